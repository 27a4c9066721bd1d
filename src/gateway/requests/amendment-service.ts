/**
 * Changes of messages that were sent. `apply` reads no records, so what it judges by is read here: who wrote the message, and where it
 * stands in the log. Both never change.
 */
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { decodeAmendment } from '../../chat/codecs/amendment-codec.ts';
import { decodeMessage } from '../../chat/codecs/message-codec.ts';
import { amendmentStream } from '../../chat/conversations/amendments.ts';
import type { AmendmentCommand, MessageReference } from '../../chat/vocabulary/amendment-types.ts';
import type { AccountId, Command, Numbering } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import { amendedEntryOf } from '../../delivery/present-form.ts';
import type { AmendedEntry, AmendmentRequest } from '../../protocol/amendments.ts';
import type { ReadRequest, Reply } from '../../protocol/requests.ts';
import type { ConnectionContext } from '../connections/context.ts';
import type { HistoryStore } from '../reads/history.ts';
import { rejection } from './replies.ts';

export interface AmendmentServiceOptions {
  readonly view: ChatView;
  readonly store: HistoryStore;
  readonly barrier: () => Promise<void>;
  readonly propose: (
    context: ConnectionContext,
    command: Command,
    numbering: Numbering | null,
  ) => Promise<Reply>;
}

/** Amendments read at a time; and in one reply, in bytes of JSON: a frame holds them with room for the rest. */
const pageRecords = 64;
const replyBytes = limits.frameBytes - 4_096;
const encoder = new TextEncoder();

export class AmendmentService {
  readonly #options: AmendmentServiceOptions;

  constructor(options: AmendmentServiceOptions) {
    this.#options = options;
  }

  /** Rejects with `CodedError`. To be run one after the other on a connection: what is read first must not be overtaken. */
  async change(
    context: ConnectionContext,
    request: AmendmentRequest,
    numbering: Numbering | null,
  ): Promise<Reply> {
    // A session is judged by the replicated state; a raw line by what this connection is.
    if (numbering === null && context.identity === null) return rejection('AUTH_REQUIRED');
    if (request.op === 'edit' && Buffer.byteLength(request.text) > limits.messageBytes) {
      return rejection('TOO_LONG');
    }
    const message = await this.#reference(request.conversation, request.sequence);
    const reply = await this.#options.propose(context, commandOf(request, message), numbering);
    if (reply.kind !== 'receipt' || !('revision' in reply.value)) return reply;
    return { kind: 'receipt', value: { ...reply.value, op: request.op } };
  }

  /** What is not found is proposed all the same: whether this was answered before only the state knows. */
  async #reference(conversation: string, sequence: number): Promise<MessageReference> {
    const { view, store, barrier } = this.#options;
    // It may have been sent through another node a moment ago.
    if ((view.conversation(conversation)?.lastSequence ?? 0) < sequence) await barrier();
    const isThere = (view.conversation(conversation)?.lastSequence ?? 0) >= sequence;
    const range = { from: sequence, to: sequence, limit: 1 };
    const [found] = isThere ? await store.readStream(conversation, range) : [];
    if (found === undefined) return { conversation, sequence, index: 0, from: 0 };
    const { index, from } = decodeMessage(conversation, sequence, found.record);
    return { conversation, sequence, index, from };
  }

  /**
   * The first ones behind `after`, as many as asked for or as fit one frame; those that were overtaken are left out. To be called behind a
   * barrier. Throws `CodedError`.
   */
  async read(
    account: AccountId,
    request: Extract<ReadRequest, { op: 'amendments' }>,
  ): Promise<readonly AmendedEntry[]> {
    const { view, store } = this.#options;
    const { conversation, limit, after = 0 } = request;
    if (view.conversation(conversation)?.includes(account) !== true) {
      throw new CodedError(conversation.startsWith('g:') ? 'UNKNOWN_GROUP' : 'UNKNOWN_USER');
    }
    const last = view.amendmentsOf(conversation)?.lastRevision ?? 0;
    const entries: AmendedEntry[] = [];
    let bytes = 0;
    const first = view.retentionOf(conversation)?.firstRevision ?? 1;
    for (let from = Math.max(first, after + 1); from <= last; ) {
      const range = { from, to: last, limit: pageRecords };
      const records = await store.readStream(amendmentStream(conversation), range);
      if (records.length === 0) break;
      for (const { sequence, record } of records) {
        from = sequence + 1;
        const entry = amendedEntryOf(view, decodeAmendment(conversation, sequence, record));
        if (entry === null) continue;
        bytes += encoder.encode(JSON.stringify(entry)).length + 1;
        if (entries.length >= limit || bytes > replyBytes) return entries;
        entries.push(entry);
      }
    }
    return entries;
  }
}

function commandOf(request: AmendmentRequest, message: MessageReference): AmendmentCommand {
  switch (request.op) {
    case 'edit':
      return { kind: 'edit-message', message, text: request.text };
    case 'delete-message':
      return { kind: 'delete-message', message };
    case 'react':
      return { kind: 'react', message, reaction: request.reaction, present: request.remove !== true };
  }
}
