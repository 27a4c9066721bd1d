import { encodeProposal } from '../../../src/chat/codecs/codec.ts';
import { decodeMessage } from '../../../src/chat/codecs/message-codec.ts';
import type { FileBounds } from '../../../src/chat/conversations/files.ts';
import { ChatMachine } from '../../../src/chat/machine.ts';
import type { KeyedAnswerBounds } from '../../../src/chat/sessions/keyed-answers.ts';
import type { SessionBounds } from '../../../src/chat/sessions/sessions.ts';
import type {
  AccountId,
  ChatEvent,
  Command,
  Message,
  MessageBody,
  Numbering,
  Proposal,
  Result,
} from '../../../src/chat/vocabulary/types.ts';

export interface Answer {
  readonly result: Result;
  readonly events: readonly ChatEvent[];
}

/** A machine with a log and a store around it, both in memory: what a node would be, without everything else. */
export class World {
  machine: ChatMachine;
  readonly rows = new Map<string, Uint8Array>();
  /** Without what was trimmed. */
  readonly streams = new Map<string, Uint8Array[]>();
  /** Sequence of the first record that was not, where it is not 1. */
  readonly firsts = new Map<string, number>();
  index = 0;
  clusterMs = 0;
  readonly #bounds: Partial<SessionBounds & FileBounds & KeyedAnswerBounds>;

  constructor(bounds: Partial<SessionBounds & FileBounds & KeyedAnswerBounds> = {}) {
    this.#bounds = bounds;
    this.machine = new ChatMachine(bounds);
  }

  applyBytes(command: Uint8Array): Answer {
    this.index++;
    const time = { wallMs: 1_700_000_000_000 + this.clusterMs, clusterMs: this.clusterMs };
    return this.machine.apply({ index: this.index, time, command });
  }

  apply(proposal: Proposal): Answer {
    return this.applyBytes(encodeProposal(proposal));
  }

  /** On a raw line connection, logged in as `account` or not at all. */
  raw(command: Command, account: AccountId | null = null): Answer {
    const actor = account === null ? null : { account, session: null };
    return this.apply({ numbering: null, actor, command });
  }

  numbered(number: number, sequence: number, command: Command, lowest = 1): Answer {
    return this.apply({ numbering: numbering(number, sequence, lowest), actor: null, command });
  }

  /** A registered account's id. */
  register(name: string): AccountId {
    const { result } = this.raw({ kind: 'register', name, passwordHash: `hash of ${name}` });
    if (!result.ok || result.receipt.kind !== 'registered') throw new Error(`not registered: ${name}`);
    return result.receipt.account;
  }

  /** Puts what changed where a store would. */
  store(): void {
    const changes = this.machine.takeChanges();
    for (const [key, value] of changes.puts) this.rows.set(key, value.slice());
    for (const key of changes.deletes) this.rows.delete(key);
    // A stream without records may begin later than with 1.
    for (const { stream, below } of changes.trims) {
      if (this.streams.has(stream)) continue;
      const first = changes.appends.find((append) => append.stream === stream);
      this.firsts.set(stream, first?.sequence ?? below);
    }
    for (const { stream, sequence, record } of changes.appends) {
      const records = this.streams.get(stream) ?? [];
      if (records.length !== sequence - (this.firsts.get(stream) ?? 1))
        throw new Error(`gap in ${stream} before ${sequence}`);
      records.push(record.slice());
      this.streams.set(stream, records);
    }
    for (const stream of changes.dropStreams) {
      this.streams.delete(stream);
      this.firsts.delete(stream);
    }
    for (const { stream, below } of changes.trims) {
      const first = this.firsts.get(stream) ?? 1;
      this.streams.get(stream)?.splice(0, Math.max(0, below - first));
      this.firsts.set(stream, below);
    }
  }

  /** A new machine from the stored rows: a restart, or a snapshot on another node. */
  async reload(): Promise<void> {
    this.store();
    this.machine = new ChatMachine(this.#bounds);
    await this.machine.load(inKeyOrder(this.rows), this.clusterMs);
  }

  history(conversation: string): readonly Message[] {
    this.store();
    const records = this.streams.get(conversation) ?? [];
    const first = this.firsts.get(conversation) ?? 1;
    return records.map((record, at) => decodeMessage(conversation, first + at, record));
  }
}

export async function* inKeyOrder(
  rows: ReadonlyMap<string, Uint8Array>,
): AsyncGenerator<readonly [string, Uint8Array]> {
  for (const row of [...rows].sort(([a], [b]) => (a < b ? -1 : 1))) yield row;
}

/** The plainest of messages. */
export function textTo(to: string, content: string): Extract<Command, { kind: 'send' }> {
  return { kind: 'send', to, body: { kind: 'text', text: content }, replyTo: null, wantsReceipt: false };
}

/** Sessions of tests are numbers. */
export function sessionId(number: number): string {
  return number.toString(16).padStart(32, '0');
}

export function numbering(number: number, sequence: number, lowest = 1): Numbering {
  return { session: sessionId(number), secretHash: number.toString(16).padStart(64, 'a'), sequence, lowest };
}

/** The code of a rejection, or the kind of a receipt. */
export function said(answer: Answer): string {
  return answer.result.ok ? answer.result.receipt.kind : answer.result.code;
}

/** What a message says, or the name of what it carries. */
export function textOf(body: MessageBody): string {
  return body.kind === 'text' ? body.text : body.file.name;
}
