/** What all users saw, in the order in which it happened: the histories that the checkers judge, and the outcomes for the table. */
import type { Outcome } from '../../src/client/types.ts';
import type { MessageEntry, Reply } from '../../src/protocol/requests.ts';
import type { AccountInput, AccountOperation, AccountOutput } from '../checkers/accounts.ts';
import type { AmendmentEvent, Change } from '../checkers/amendments.ts';
import { Followers } from '../checkers/followers.ts';
import { type HistoryEvent, placeKey } from '../checkers/history.ts';
import type { Operation } from '../checkers/linearizability.ts';
import type { MemberInput, MemberOperation, MemberOutput } from '../checkers/membership.ts';
import { Answers } from './answers.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

/** What a message has become; `text` null: deleted. */
interface Shown {
  readonly conversation: string;
  readonly sequence: number;
  readonly revision: number;
  readonly text: string | null;
}

type Ended<Output> = (output: Output | 'none' | 'unknown') => void;

export class Records {
  readonly history: HistoryEvent[] = [];
  readonly accounts = new Map<string, AccountOperation[]>();
  readonly members = new Map<string, MemberOperation[]>();
  readonly amendments: AmendmentEvent[] = [];
  readonly followers = new Followers();
  readonly answers: Answers;
  /** Nothing changes any more: what is read is final, and followers must show the same. */
  isQuiet = false;
  /** By place, of what its sender was told of: as it was sent. */
  readonly #sent = new Map<string, string>();
  #amendments = 0;
  readonly #world: World;
  readonly #highest = new Map<string, number>();
  /** By the names of the two, or of the group. */
  readonly #conversations = new Map<string, string>();
  /** Order of calls and returns of account operations. */
  #moment = 0;
  #scans = 0;
  onEvent: ((text: string) => void) | null = null;

  constructor(world: World, outcomes: Tally) {
    this.#world = world;
    this.answers = new Answers(world, outcomes);
  }

  invoke(client: string, n: number, to: string, text: string): void {
    this.onEvent?.(`${client} sends "${text}" to ${to}`);
    this.history.push({ kind: 'invoke', client, n, to, text, atMs: this.#world.nowMs });
  }

  answer(client: string, n: number, to: string, outcome: Outcome<'send'> | Outcome<'send-file'>): void {
    const atMs = this.#world.nowMs;
    switch (outcome.kind) {
      case 'receipt': {
        const { conversation, sequence } = outcome.value;
        this.#conversations.set(pairOf(client, to), conversation);
        this.#sent.set(placeKey(conversation, sequence), `${client} ${n}`);
        this.onEvent?.(`${client} hears that "${client} ${n}" is ${conversation}/${sequence}`);
        this.#world.note(sequence);
        this.history.push({ kind: 'ack', client, n, conversation, sequence, atMs });
        return;
      }
      case 'rejection':
        this.onEvent?.(`${client} hears that "${client} ${n}" was refused: ${outcome.code}`);
        this.history.push({ kind: 'rejected', client, n, code: outcome.code, atMs });
        return;
      case 'unknown':
        this.onEvent?.(`${client} does not hear what became of "${client} ${n}"`);
        this.history.push({ kind: 'unknown', client, n, atMs });
    }
  }

  /** `since`: of a read on request, how many of `amendments` there were when it was asked for. */
  read(reader: string, message: MessageEntry, since: number | null = null): void {
    const { conversation, sequence, index, revision = 0, deleted } = message;
    this.onEvent?.(`${reader} is shown ${conversation}/${sequence}: "${message.text}"`);
    // Whoever amends a message was told of it before.
    const sent = this.#sent.get(placeKey(conversation, sequence));
    const shown = message.file?.name ?? message.text;
    const payload = revision > 0 && sent !== undefined ? sent : shown;
    const atMs = this.#world.nowMs;
    this.history.push({ kind: 'read', reader, conversation, sequence, payload, index, atMs });
    const key = `${reader}\n${conversation}`;
    this.#highest.set(key, Math.max(sequence, this.#highest.get(key) ?? 0));
    const text = deleted === true ? null : message.text;
    if (this.amendments.length > 0) this.#shows(reader, { conversation, sequence, revision, text, since });
  }

  #shows(
    reader: string,
    { conversation, sequence, revision, text, since }: Shown & { readonly since: number | null },
  ): void {
    const place = `${conversation}/${sequence}`;
    const original = this.#sent.get(placeKey(conversation, sequence)) ?? text ?? '';
    this.amendments.push({ kind: 'shown', reader, place, revision, original, text, since });
  }

  /** A reader is told what has become of a message. */
  amended(reader: string, shown: Shown): void {
    const { conversation, sequence, text } = shown;
    this.onEvent?.(`${reader} is told that ${conversation}/${sequence} is ${text ?? 'deleted'}`);
    this.#shows(reader, { ...shown, since: null });
  }

  /** Somebody asks for it; the returned function says how it ended. */
  amends(client: string, conversation: string, sequence: number, change: Change): (reply: Reply) => void {
    const id = ++this.#amendments;
    const place = `${conversation}/${sequence}`;
    this.amendments.push({ kind: 'ask', id, place, change });
    const what = typeof change === 'string' ? change : `"${change.text}"`;
    this.onEvent?.(`${client} asks that ${place} be ${what}`);
    return (reply) => {
      const said = reply.kind === 'rejection' ? reply.code : reply.kind;
      this.onEvent?.(`${client} hears about ${place} as ${what}: ${said}`);
      if (reply.kind === 'rejection') this.amendments.push({ kind: 'refused', id, code: reply.code });
      if (reply.kind === 'receipt' && 'revision' in reply.value)
        this.amendments.push({ kind: 'told', id, revision: reply.value.revision });
    };
  }

  highestRead(reader: string, conversation: string): number {
    return this.#highest.get(`${reader}\n${conversation}`) ?? 0;
  }

  joins(client: string, outcome: Reply): void {
    const said = outcome.kind === 'rejection' ? outcome.code : outcome.kind;
    this.onEvent?.(`${client} hears about joining the group: ${said}`);
  }

  complete(reader: string, conversation: string): void {
    this.history.push({ kind: 'complete', reader, conversation, atMs: this.#world.nowMs });
  }

  /** A read on request; what it shows is one reader of its own. */
  async scan(
    { name: client, reader: follower }: { readonly name: string; readonly reader: string },
    other: string,
    ask: () => Promise<Outcome<'history'>>,
  ): Promise<boolean> {
    const reader = `${client}'s scan ${++this.#scans}`;
    const begun = this.history.length;
    const since = this.amendments.length;
    this.history.push({ kind: 'begin', reader, conversation: '', atMs: this.#world.nowMs });
    const outcome = await ask();
    const messages = outcome.kind === 'receipt' ? outcome.value.messages : [];
    const conversation = messages[0]?.conversation ?? this.#conversations.get(pairOf(client, other));
    // Which conversation it is, the answer says: until then the place is kept.
    if (outcome.kind !== 'receipt' || conversation === undefined) return outcome.kind === 'receipt';
    this.history[begun] = { kind: 'begin', reader, conversation, atMs: this.#world.nowMs };
    for (const message of messages) this.read(reader, message, since);
    if (this.isQuiet) this.followers.check(follower, messages);
    this.complete(reader, conversation);
    this.onEvent?.(`${client} reads the conversation with ${other}: ${messages.length} messages`);
    return true;
  }

  /** An operation on a name begins; the returned function says how it ended. `none`: it certainly did not happen. */
  account(client: string, name: string, input: AccountInput): Ended<AccountOutput> {
    return this.#begin(this.accounts, client, name, input, 'find');
  }

  member(client: string, node: number, input: MemberInput): Ended<MemberOutput> {
    return this.#begin(this.members, client, `node ${node}`, input, 'look');
  }

  /** `read` changes nothing: what certainly did not happen is one without an answer. */
  #begin<Input extends string, Output extends string>(
    histories: Map<string, Operation<Input, Output>[]>,
    client: string,
    key: string,
    input: Input,
    read: Input,
  ): Ended<Output> {
    const calledAt = this.#moment++;
    const operations = histories.get(key) ?? [];
    histories.set(key, operations);
    const place = operations.length;
    const title = `${client} ${input}`;
    const open = { input, output: null, calledAt, returnedAt: Number.POSITIVE_INFINITY };
    operations.push({ ...open, name: `${title}: unknown` });
    this.onEvent?.(`${client} asks to ${input} ${key}`);
    return (output) => {
      this.onEvent?.(`${client} hears about ${input} ${key}: ${output}`);
      if (output === 'unknown') return;
      const returnedAt = this.#moment++;
      operations[place] =
        output === 'none'
          ? { input: read, output: null, calledAt, returnedAt, name: `${title}: not done` }
          : { input, output, calledAt, returnedAt, name: `${title}: ${output}` };
    };
  }
}

function pairOf(one: string, other: string): string {
  if (other.startsWith('#')) return other;
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}
