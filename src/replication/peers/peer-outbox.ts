import { type MemberId, type Message, type MessageType, NONE } from '../../raft/index.ts';
import { isWireType, messageSize } from '../formats/message-codec.ts';
import { encodeFrame, FRAME_TARGET_BYTES } from '../formats/peer-frames.ts';
import type { Lane, PeerTransport } from '../ports/peer-transport.ts';
import type { Links } from './links.ts';

/** Small, and elections or latencies wait for them: never behind appends. */
const controlTypes: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
]);

export interface PeerOutboxOptions {
  readonly transport: PeerTransport;
  readonly links: Links;
  /** A message that was not sent: the core is to know. */
  readonly lost: (message: Message) => void;
  /** Runs an action once, soon. */
  readonly turn: (action: () => void) => void;
}

/** When a batch is to leave: at the end of this turn, after what the turn has answered, or with the next tick. */
const NOW = 2;
const SOON = 1;
const WITH_TICK = 0;

interface Batch {
  messages: Message[];
  bytes: number;
  urgency: number;
}

/**
 * Gathers the messages of one turn: one frame a peer and lane, unless they are too large for one.
 *
 * A leader tells a commit index at once, in an append without entries. Whoever proposed is waiting for its answer, though, which was
 * made ready in the same turn; and a write to a peer may cost this process its core, because it wakes that peer. So appends without
 * entries leave a little later. They are acknowledged like any append; such an answer acknowledges what was acknowledged before, so it
 * waits for the next frame that goes to that peer anyway, or for the next tick. It is not left out: to a leader that probes, it is news.
 */
export class PeerOutbox {
  readonly #transport: PeerTransport;
  readonly #links: Links;
  readonly #lost: (message: Message) => void;
  readonly #batches = new Map<MemberId, Record<Lane, Batch>>();
  /** Runs an action once what was answered in this turn is on its way. */
  readonly #later: (action: () => void) => void;
  #scheduled = false;
  #stopped = false;
  /** What was last acknowledged, to whom. */
  #acknowledged = { to: NONE, term: 0, index: 0 };

  constructor({ transport, links, lost, turn }: PeerOutboxOptions) {
    this.#transport = transport;
    this.#links = links;
    this.#lost = lost;
    // An answer takes one turn to its socket, so this takes two.
    this.#later = (action) => turn(() => turn(action));
  }

  add(messages: readonly Message[]): void {
    for (const message of messages) {
      if (isWireType(message.type)) this.#add(message);
    }
  }

  #add(message: Message): void {
    let batches = this.#batches.get(message.to);
    if (batches === undefined) {
      batches = { control: emptyBatch(), bulk: emptyBatch() };
      this.#batches.set(message.to, batches);
    }
    const lane: Lane = controlTypes.has(message.type) ? 'control' : 'bulk';
    const batch = batches[lane];
    const size = messageSize(message);
    if (batch.bytes + size > FRAME_TARGET_BYTES) this.#send(message.to, lane, batch);
    batch.messages.push(message);
    batch.bytes += size;
    batch.urgency = Math.max(batch.urgency, this.#urgencyOf(message));
  }

  #urgencyOf(message: Message): number {
    if (message.type === 'MsgApp') return message.entries.length > 0 ? NOW : SOON;
    return this.#isRepeated(message) ? WITH_TICK : NOW;
  }

  #isRepeated({ type, reject, to, term, index }: Message): boolean {
    if (type !== 'MsgAppResp' || reject) return false;
    const last = this.#acknowledged;
    if (last.to === to && last.term === term && last.index === index) return true;
    this.#acknowledged = { to, term, index };
    return false;
  }

  /** At the end of a turn. */
  flush(): void {
    this.#flush(NOW);
    const isSoon = [...this.#batches.values()].some(({ bulk }) => bulk.urgency === SOON);
    if (!isSoon || this.#scheduled) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#flush(SOON);
    });
  }

  /** With a tick: whatever is there. */
  flushAll(): void {
    this.#flush(WITH_TICK);
  }

  /** Nothing leaves any more. */
  stop(): void {
    this.#stopped = true;
  }

  #flush(urgency: number): void {
    if (this.#stopped) return;
    for (const [member, batches] of this.#batches) {
      if (batches.control.urgency >= urgency) this.#send(member, 'control', batches.control);
      if (batches.bulk.urgency >= urgency) this.#send(member, 'bulk', batches.bulk);
      if (this.#links.nodeOf(member) === null) this.#batches.delete(member);
    }
  }

  #send(member: MemberId, lane: Lane, batch: Batch): void {
    const { messages } = batch;
    if (messages.length === 0) return;
    batch.messages = [];
    batch.bytes = 0;
    batch.urgency = WITH_TICK;
    const node = this.#links.nodeOf(member);
    if (node !== null && this.#transport.send(node, lane, encodeFrame({ kind: 'raft', messages }))) return;
    for (const message of messages) this.#lost(message);
  }
}

function emptyBatch(): Batch {
  return { messages: [], bytes: 0, urgency: WITH_TICK };
}
