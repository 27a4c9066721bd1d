/**
 * Messages as they are now: what was changed since they were sent is in the view, the text of an edited one in its conversation's stream of
 * amendments. A deleted one keeps its place and says no more than that.
 */
import { decodeAmendment } from '../chat/codecs/amendment-codec.ts';
import { amendmentStream } from '../chat/conversations/amendments.ts';
import type { AmendedMessage, Amendment, Reaction } from '../chat/vocabulary/amendment-types.ts';
import type { AccountId, Message } from '../chat/vocabulary/types.ts';
import type { ChatView } from '../chat/vocabulary/view.ts';
import type { AmendedEntry, ReactionEntry } from '../protocol/amendments.ts';
import { deletedAccountName, deletedMessageText, type MessageEntry } from '../protocol/requests.ts';
import type { AmendmentPush, HistoryStore, Push } from './ports.ts';

export type MessageState = Pick<MessageEntry, 'editedMs' | 'deleted' | 'reactions' | 'revision'>;

type PresentView = Pick<ChatView, 'accountById' | 'amended' | 'conversation'>;

export interface PresentPorts {
  readonly view: PresentView;
  readonly store: HistoryStore;
  /** Resolves a little later. Records may be staged a moment after their effect is in the view. */
  readonly pause: () => Promise<void>;
}

export interface PresentMessage {
  readonly message: Message;
  readonly state: MessageState;
}

/** Times that a record which must exist is looked for again before the read fails. */
export const rereads = 200;

/** One read of the store for each that was edited; none for all others. */
export async function presentForms(
  ports: PresentPorts,
  messages: readonly Message[],
): Promise<readonly PresentMessage[]> {
  const present: PresentMessage[] = [];
  for (const message of messages) {
    const amended = ports.view.amended(message.conversation, message.sequence);
    const body = amended === undefined ? message.body : await bodyOf(ports, message, amended);
    // Deleted while its text was read.
    present.push(formOf(ports.view, { ...message, body }));
  }
  return present;
}

async function bodyOf(
  ports: PresentPorts,
  { conversation, sequence, body }: Message,
  { textRevision, isDeleted }: AmendedMessage,
): Promise<Message['body']> {
  if (isDeleted || textRevision === 0) return body;
  const stream = amendmentStream(conversation);
  for (let attempt = 0; attempt < rereads; attempt++) {
    const range = { from: textRevision, to: textRevision, limit: 1 };
    const [found] = await ports.store.readStream(stream, range);
    if (found !== undefined) {
      const { change } = decodeAmendment(conversation, textRevision, found.record);
      return change.kind === 'text' && body.kind === 'text' ? { ...body, text: change.text } : body;
    }
    // Gone with its conversation, or with its age.
    if (isGone(ports.view, conversation, sequence)) return body;
    await ports.pause();
  }
  throw new Error(`the store lacks amendment ${textRevision} of ${conversation}`);
}

function isGone(view: PresentView, conversation: string, sequence: number): boolean {
  return (view.conversation(conversation)?.firstSequence ?? Number.POSITIVE_INFINITY) > sequence;
}

/** `message` has its present text already, if it is one. */
function formOf(view: PresentView, message: Message): PresentMessage {
  const amended = view.amended(message.conversation, message.sequence);
  if (amended === undefined) return { message, state: {} };
  const shown = amended.isDeleted ? { ...message, body: deletedBody } : message;
  return { message: shown, state: stateOf(view, amended) };
}

const deletedBody = { kind: 'text', text: deletedMessageText } as const;

function stateOf(
  view: PresentView,
  { revision, editedMs, isDeleted, reactions }: AmendedMessage,
): MessageState {
  if (isDeleted) return { deleted: true, revision };
  return {
    revision,
    ...(editedMs === 0 ? {} : { editedMs }),
    ...(reactions.length === 0 ? {} : { reactions: reactionsOf(view, reactions) }),
  };
}

function reactionsOf(view: PresentView, reactions: readonly Reaction[]): readonly ReactionEntry[] {
  return reactions.map(({ reaction, accounts }) => ({
    reaction,
    users: accounts.map((account) => nameOf(view, account)),
  }));
}

/** A push that has waited: its message may have been deleted meanwhile. */
export function withoutDeleted(view: PresentView, push: Push): Push {
  if (push.state.deleted === true) return push;
  const { conversation, sequence } = push.message;
  if (view.amended(conversation, sequence)?.isDeleted !== true) return push;
  return { ...push, ...formOf(view, push.message), forms: {} };
}

/** What the amendment leads to; null: a later one has overtaken it, and is told in its place. */
export function amendmentPushOf(view: PresentView, amendment: Amendment): AmendmentPush | null {
  const entry = amendedEntryOf(view, amendment);
  return entry === null ? null : { kind: 'amendment', entry, forms: {} };
}

export function amendedEntryOf(view: PresentView, amendment: Amendment): AmendedEntry | null {
  const { conversation, sequence, revision, index, amendedMs, change } = amendment;
  const amended = view.amended(conversation, sequence);
  if (amended === undefined) return null;
  const by = nameOf(view, amendment.by);
  const common = { conversation, sequence, revision, index, by, amendedMs };
  if (change.kind === 'deleted') return { ...common, deleted: true };
  if (amended.isDeleted) return null;
  switch (change.kind) {
    case 'text':
      if (amended.textRevision !== revision) return null;
      return { ...common, text: change.text, editedMs: amended.editedMs };
    case 'reaction':
      if (amended.reactionRevision !== revision) return null;
      return { ...common, reactions: reactionsOf(view, amended.reactions) };
  }
}

function nameOf(view: Pick<ChatView, 'accountById'>, account: AccountId): string {
  return view.accountById(account)?.name ?? deletedAccountName;
}
