/** What is said about files, in the form of the dialect that was asked in. Pure. */
import { groupNameIn } from '../../base/addresses.ts';
import { type Failure, failureText } from '../../protocol/common-errors.ts';
import { escapeLine } from '../../protocol/escape.ts';
import { formatPipeError } from '../../protocol/pipe-errors.ts';
import type { MessageEntry } from '../../protocol/requests.ts';
import { formatSlashPush, formatSlashReply, slashError } from '../../protocol/slash.ts';

export interface FileTexts {
  /** Nothing was asked: the file is not there, too large, one too many. */
  readonly unsendable: (text: string) => string;
  readonly refused: (to: string, path: string, failure: Failure) => string;
  /** It has been saved; its name is safe. */
  readonly received: (message: Pick<MessageEntry, 'from' | 'to' | 'text' | 'file'>) => string;
}

const plain: FileTexts = {
  unsendable: (text) => text,
  refused: (_to, _path, failure) => failureText(failure),
  received: formatSlashPush,
};

export const pipeFileTexts: FileTexts = {
  ...plain,
  refused: (_to, _path, failure) =>
    failure.kind === 'unknown'
      ? formatPipeError('UNKNOWN_OUTCOME')
      : formatPipeError(failure.code, failure.text),
};

export const slashFileTexts: FileTexts = {
  ...plain,
  unsendable: slashError,
  refused: (to, path, failure) => {
    const group = groupNameIn(to);
    const line =
      group === null
        ? ({ kind: 'file', user: to, path } as const)
        : ({ kind: 'group-file', group, path } as const);
    return formatSlashReply(line, failure).join('\n');
  },
};

export const plainFileTexts = plain;

/** In every dialect the same. */
export function sentFileLine(name: string, to: string): string {
  const group = groupNameIn(to);
  return `File ${escapeLine(name)} sent to ${group === null ? to : `group ${group}`} successfully.`;
}
