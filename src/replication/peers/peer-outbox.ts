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
  /** Whether somebody on that node may be waiting for what is committed. */
  readonly hasReaders: (node: number) => boolean;
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

interface Peer extends Record<Lane, Batch> {
  /** The last entry that left for it, or is about to. */
  term: number;
  index: number;
  /** Highest commit index on its way to it, and the one that somebody there asked for. */
  told: number;
  awaited: number;
}

/**
 * Gathers the messages of one turn: one frame a peer and lane, unless they are too large for one.
 *
 * A leader tells a commit index at once, in an append without entries. Whoever proposed is waiting for its answer, though, which was
 * made ready in the same turn; and a write to a peer may cost this process its core, because it wakes that peer. So appends without
 * entries leave a little later; and where nobody reads along, asked or proposed, only with the next frame or tick, since a commit index
 * alone wakes a follower as much as a message does. What comes after such an append, at the same place in the log, takes its place.
 *
 * They are acknowledged like any append; such an answer acknowledges what was acknowledged before, so it waits for the next frame that
 * goes to that peer anyway, or for the next tick. It is not left out: to a leader that probes, it is news.
 */
export class PeerOutbox {
  readonly #transport: PeerTransport;
  readonly #links: Links;
  readonly #lost: (message: Message) => void;
  readonly #hasReaders: (node: number) => boolean;
  readonly #peers = new Map<MemberId, Peer>();
  /** Runs an action once what was answered in this turn is on its way. */
  readonly #later: (action: () => void) => void;
  #scheduled = false;
  #stopped = false;
  /** What was last acknowledged, to whom. */
  #acknowledged = { to: NONE, term: 0, index: 0 };

  constructor({ transport, links, lost, turn, hasReaders }: PeerOutboxOptions) {
    this.#transport = transport;
    this.#links = links;
    this.#lost = lost;
    this.#hasReaders = hasReaders;
    // An answer takes one turn to its socket, so this takes two.
    this.#later = (action) => turn(() => turn(action));
  }

  add(messages: readonly Message[]): void {
    for (const message of messages) {
      if (isWireType(message.type)) this.#add(message);
    }
  }

  /** Somebody on that node waits until it has applied `index`. */
  awaits(member: MemberId, index: number): void {
    const peer = this.#peerOf(member);
    if (index <= peer.awaited) return;
    peer.awaited = index;
    if (peer.bulk.messages.length > 0) peer.bulk.urgency = Math.max(peer.bulk.urgency, SOON);
  }

  #peerOf(member: MemberId): Peer {
    let peer = this.#peers.get(member);
    if (peer === undefined) {
      peer = { control: emptyBatch(), bulk: emptyBatch(), term: 0, index: 0, told: 0, awaited: 0 };
      this.#peers.set(member, peer);
    }
    return peer;
  }

  #add(message: Message): void {
    const { type, to } = message;
    const peer = this.#peerOf(to);
    const lane: Lane = controlTypes.has(type) ? 'control' : 'bulk';
    const batch = peer[lane];
    const urgency = type === 'MsgApp' ? this.#urgencyOfAppend(message, peer) : this.#urgencyOf(message);
    if (type === 'MsgApp') takeBack(batch, message);
    if (type === 'MsgReadIndexResp') this.awaits(to, message.index);
    const size = messageSize(message);
    if (batch.bytes + size > FRAME_TARGET_BYTES) this.#send(to, lane, batch);
    batch.messages.push(message);
    batch.bytes += size;
    batch.urgency = Math.max(batch.urgency, urgency);
  }

  #urgencyOf(message: Message): number {
    return this.#isRepeated(message) ? WITH_TICK : NOW;
  }

  #urgencyOfAppend({ to, term, index, entries, commit }: Message, peer: Peer): number {
    const isAwaited = peer.awaited > peer.told;
    // To a peer that has what was sent to it, an empty append is news of a commit index; to any other, a question.
    const isNews = entries.length === 0 && term === peer.term && index === peer.index;
    peer.told = term === peer.term ? Math.max(peer.told, commit) : commit;
    peer.term = term;
    peer.index = index + entries.length;
    if (entries.length > 0) return NOW;
    if (!isNews || isAwaited) return SOON;
    const node = this.#links.nodeOf(to);
    return node === null || this.#hasReaders(node) ? SOON : WITH_TICK;
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
    if (this.#scheduled || !this.#isSoon()) return;
    this.#scheduled = true;
    this.#later(() => {
      this.#scheduled = false;
      this.#flush(SOON);
    });
  }

  #isSoon(): boolean {
    for (const { bulk } of this.#peers.values()) if (bulk.urgency === SOON) return true;
    return false;
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
    for (const [member, { control, bulk }] of this.#peers) {
      if (control.urgency >= urgency) this.#send(member, 'control', control);
      if (bulk.urgency >= urgency) this.#send(member, 'bulk', bulk);
      if (this.#links.nodeOf(member) === null) this.#peers.delete(member);
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

/** An append without entries says nothing that the next one at the same place does not say. */
function takeBack(batch: Batch, { term, index }: Message): void {
  const last = batch.messages.at(-1);
  if (last?.type !== 'MsgApp' || last.entries.length > 0 || last.term !== term || last.index !== index)
    return;
  batch.messages.pop();
  batch.bytes -= messageSize(last);
}
