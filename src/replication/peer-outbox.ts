import { type MemberId, type Message, type MessageType, NONE } from '../raft/index.ts';
import type { Links } from './links.ts';
import { isWireType, messageSize } from './message-codec.ts';
import { encodeFrame, FRAME_TARGET_BYTES } from './peer-frames.ts';
import type { Lane, PeerTransport } from './ports.ts';

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

interface Batch {
  messages: Message[];
  bytes: number;
  /** Something in it is waited for. */
  urgent: boolean;
}

/**
 * Gathers the messages of one turn: one frame a peer and lane, unless they are too large for one.
 *
 * A leader sends a commit index at once, in an append without entries, and each is acknowledged like any append. What such an
 * answer acknowledges was acknowledged before; so it waits for the next frame that goes to that peer anyway, or for the next tick. It is
 * not left out: to a leader that probes, it is news.
 */
export class PeerOutbox {
  readonly #transport: PeerTransport;
  readonly #links: Links;
  /** A message that was not sent: the core is to know. */
  readonly #lost: (message: Message) => void;
  readonly #batches = new Map<MemberId, Record<Lane, Batch>>();
  /** What was last acknowledged, to whom. */
  #acknowledged = { to: NONE, term: 0, index: 0 };

  constructor(transport: PeerTransport, links: Links, lost: (message: Message) => void) {
    this.#transport = transport;
    this.#links = links;
    this.#lost = lost;
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
    if (!this.#isRepeated(message)) batch.urgent = true;
  }

  #isRepeated({ type, reject, to, term, index }: Message): boolean {
    if (type !== 'MsgAppResp' || reject) return false;
    const last = this.#acknowledged;
    if (last.to === to && last.term === term && last.index === index) return true;
    this.#acknowledged = { to, term, index };
    return false;
  }

  /** What is waited for; `all`: whatever is there. */
  flush(all = false): void {
    for (const [member, batches] of this.#batches) {
      if (all || batches.control.urgent) this.#send(member, 'control', batches.control);
      if (all || batches.bulk.urgent) this.#send(member, 'bulk', batches.bulk);
      if (this.#links.nodeOf(member) === null) this.#batches.delete(member);
    }
  }

  #send(member: MemberId, lane: Lane, batch: Batch): void {
    const { messages } = batch;
    if (messages.length === 0) return;
    batch.messages = [];
    batch.bytes = 0;
    batch.urgent = false;
    const node = this.#links.nodeOf(member);
    if (node !== null && this.#transport.send(node, lane, encodeFrame({ kind: 'raft', messages }))) return;
    for (const message of messages) this.#lost(message);
  }
}

function emptyBatch(): Batch {
  return { messages: [], bytes: 0, urgent: false };
}
