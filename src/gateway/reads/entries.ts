/** What the state holds, as people see it. */
import type { GroupEvent } from '../../chat/vocabulary/group-types.ts';
import type { Message, MessageBody } from '../../chat/vocabulary/types.ts';
import type { MessageState } from '../../delivery/present-form.ts';
import { fileSentence } from '../../protocol/file-text.ts';
import type { GroupNotice } from '../../protocol/group-requests.ts';
import type { MessageEntry } from '../../protocol/requests.ts';

/** `state`: what has become of it, in the native protocol; the other dialects see its text alone. */
export function entryOf(message: Message, from: string, to: string, state: MessageState = {}): MessageEntry {
  const { conversation, sequence, index, number, replyTo, body, sentMs } = message;
  const answered = replyTo === null ? {} : { replyTo };
  const content = contentOf(body, index);
  return { conversation, sequence, index, from, to, number, ...answered, ...content, sentMs, ...state };
}

function contentOf(body: MessageBody, index: number): Pick<MessageEntry, 'text' | 'file' | 'via'> {
  switch (body.kind) {
    case 'text':
      return body.via === undefined ? { text: body.text } : { text: body.text, via: body.via };
    case 'file':
      return { text: fileSentence(body.file), file: { id: index, ...body.file } };
  }
}

export function noticeOf(event: GroupEvent): GroupNotice {
  const about = { conversation: event.group, group: event.name };
  switch (event.kind) {
    case 'group-created':
      return { ...about, kind: 'created' };
    case 'group-deleted':
      return { ...about, kind: 'deleted' };
    case 'group-renamed':
      return { ...about, kind: 'renamed', oldName: event.oldName };
    case 'owner-changed':
      return { ...about, kind: 'owner', user: event.ownerName };
    case 'member-joined':
      return { ...about, kind: 'joined', user: event.accountName };
    case 'member-entered':
      return { ...about, kind: 'entered', user: event.accountName };
    case 'member-exited':
      return { ...about, kind: 'exited', user: event.accountName };
    case 'member-left':
      return { ...about, kind: event.reason === 'removed' ? 'removed' : 'left', user: event.accountName };
  }
}
