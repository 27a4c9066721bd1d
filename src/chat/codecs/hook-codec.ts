/** Commands and receipts of `hook-types.ts` as bytes: the share of webhooks in `codec.ts` and `receipt-codec.ts`. */
import { unreachable } from '../../base/assert.ts';
import type { HookCommand, HookProgress, HookReceipt } from '../vocabulary/hook-types.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** Numbers of the kinds in the log, from 105 to 109: never reused, never changed. */
const commandTag = {
  'create-hook': 105,
  'remove-hook': 106,
  'resume-hook': 107,
  'post-to-hook': 108,
  'note-hooks': 109,
} as const satisfies Record<HookCommand['kind'], number>;

/** The same in a session's row. */
const receiptTag = {
  'hook-created': 105,
  'hook-removed': 106,
  'hook-resumed': 107,
} as const satisfies Record<HookReceipt['kind'], number>;

export function writeHookCommand(writer: ByteWriter, command: HookCommand): void {
  writer.byte(commandTag[command.kind]);
  switch (command.kind) {
    case 'create-hook':
      writer.text(command.to);
      writer.text(command.name);
      // No address is empty.
      writer.text(command.url ?? '');
      return;
    case 'remove-hook':
    case 'resume-hook':
      writer.integer(command.hook);
      return;
    case 'post-to-hook':
      writer.integer(command.hook);
      writer.text(command.text);
      return;
    case 'note-hooks':
      writer.integer(command.hooks.length);
      for (const progress of command.hooks) writeProgress(writer, progress);
      return;
    default:
      unreachable(command);
  }
}

/** Null when it is a command of another kind. */
export function readHookCommand(reader: ByteReader, kind: number): HookCommand | null {
  switch (kind) {
    case commandTag['create-hook']:
      return { kind: 'create-hook', to: reader.text(), name: reader.text(), url: reader.text() || null };
    case commandTag['remove-hook']:
      return { kind: 'remove-hook', hook: reader.integer() };
    case commandTag['resume-hook']:
      return { kind: 'resume-hook', hook: reader.integer() };
    case commandTag['post-to-hook']:
      return { kind: 'post-to-hook', hook: reader.integer(), text: reader.text() };
    case commandTag['note-hooks']:
      return {
        kind: 'note-hooks',
        hooks: Array.from({ length: reader.count() }, () => ({
          hook: reader.integer(),
          ...readStanding(reader),
        })),
      };
    default:
      return null;
  }
}

export function writeHookReceipt(writer: ByteWriter, receipt: HookReceipt): void {
  writer.byte(receiptTag[receipt.kind]);
  writer.integer(receipt.hook);
}

/** Null when it is a receipt of another kind. */
export function readHookReceipt(reader: ByteReader, tag: number): HookReceipt | null {
  for (const kind of ['hook-created', 'hook-removed', 'hook-resumed'] as const) {
    if (receiptTag[kind] === tag) return { kind, hook: reader.integer() };
  }
  return null;
}

type Standing = Omit<HookProgress, 'hook'>;

function writeProgress(writer: ByteWriter, progress: HookProgress): void {
  writer.integer(progress.hook);
  writeStanding(writer, progress);
}

export function writeStanding(writer: ByteWriter, { cursor, failures, fault, suspended }: Standing): void {
  writer.integer(cursor);
  writer.integer(failures);
  writer.text(fault);
  writer.byte(suspended ? 1 : 0);
}

export function readStanding(reader: ByteReader): Standing {
  const [cursor, failures, fault] = [reader.integer(), reader.integer(), reader.text()];
  return { cursor, failures, fault, suspended: reader.byte() === 1 };
}
