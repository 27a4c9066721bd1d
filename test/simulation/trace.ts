/** A run as a conversation: who said what to whom and what became of it, what went wrong, what was on a disk when its node died. */
import type { Entry, Message } from '../../src/raft/types.ts';
import { decodeFrame, type PeerFrame } from '../../src/replication/formats/peer-frames.ts';
import { describeFault } from './describe-fault.ts';
import type { Injector } from './injector.ts';
import type { Fate, PeerNetwork } from './network.ts';
import type { Records } from './records.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { World } from './world.ts';

export interface TraceParts {
  readonly world: World;
  readonly peers: PeerNetwork;
  readonly cluster: SimulatedCluster;
  readonly injector: Injector;
  readonly records: Records;
}

export class Trace {
  readonly #keep: number;
  readonly #write: ((line: string) => void) | null;
  #lines: string[] = [];

  /** Without `write` the newest `keep` lines are kept for `lines`. */
  constructor(write: ((line: string) => void) | null, keep = 200) {
    this.#write = write;
    this.#keep = keep;
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#keep);
  }

  attach({ world, peers, cluster, injector, records }: TraceParts): void {
    const say = (who: string, text: string): void =>
      this.#add(`${timeOf(world.nowMs)}  ${who.padEnd(8)} ${text}`);
    peers.onFrame = (from, to, frame, fate, delayMs) => {
      const text = describeFrame(decodeFrame(frame));
      if (text !== null) say(`${from} → ${to}`, `${text}${describeFate(fate, delayMs)}`);
    };
    injector.onFault = (fault) => say('FAULT', describeFault(fault));
    cluster.onEvent = (text) => say('cluster', text);
    records.onEvent = (text) => say('users', text);
  }

  #add(line: string): void {
    if (this.#write !== null) {
      this.#write(line);
      return;
    }
    this.#lines.push(line);
    if (this.#lines.length > 4 * this.#keep) this.#lines = this.#lines.slice(-this.#keep);
  }
}

function timeOf(ms: number): string {
  return `${(ms / 1_000).toFixed(4).padStart(9)} s`;
}

function describeFate(fate: Fate, delayMs: number): string {
  switch (fate) {
    case 'delivered':
      return delayMs > 10 ? `  (arrives ${delayMs.toFixed(0)} ms later)` : '';
    case 'held':
      return '  (nothing passes)';
    case 'lost':
      return '  (lost)';
    case 'repeated':
      return '  (arrives twice)';
    case 'reordered':
      return '  (overtaken)';
  }
}

/** Null: not worth a line. */
function describeFrame(frame: PeerFrame | null): string | null {
  if (frame === null) return 'something malformed';
  switch (frame.kind) {
    case 'raft':
      return frame.messages.map(describeMessage).join(' · ');
    case 'propose':
      return `please append ${frame.proposals.length} proposals, in term ${frame.term}`;
    case 'refused':
      return `did not append your proposals ${frame.counters.join(', ')}`;
    case 'status':
      return frame.founding === null
        ? 'I belong to no cluster yet'
        : frame.observing
          ? 'I follow, I am no member'
          : 'I am a member';
    case 'gossip':
      return null;
    default:
      return `a frame of kind ${(frame as { readonly kind: string }).kind}`;
  }
}

function describeMessage(message: Message): string {
  const { type, term, index, logTerm, commit, entries, reject, rejectHint } = message;
  switch (type) {
    case 'MsgApp':
      return `term ${term}: append ${describeEntries(entries)} after ${index}/${logTerm}, committed ${commit}`;
    case 'MsgAppResp':
      return reject
        ? `term ${term}: no, not after ${index}; try ${rejectHint}`
        : `term ${term}: have all up to ${index}`;
    case 'MsgHeartbeat':
      return `term ${term}: heartbeat, committed ${commit}`;
    case 'MsgHeartbeatResp':
      return `term ${term}: heard`;
    case 'MsgVote':
    case 'MsgPreVote':
      return `term ${term}: ${type === 'MsgVote' ? 'vote for me' : 'would you vote for me?'} My log ends with ${index}/${logTerm}`;
    case 'MsgVoteResp':
    case 'MsgPreVoteResp':
      return `term ${term}: ${reject ? 'no' : 'yes'}${type === 'MsgVoteResp' ? ', my vote' : ', I would'}`;
    case 'MsgTimeoutNow':
      return `term ${term}: stand for election now`;
    case 'MsgSnap':
      return `term ${term}: you need a snapshot, up to ${message.snapshot?.meta.index ?? 0}`;
    default:
      return `term ${term}: ${type}${index === 0 ? '' : ` ${index}`}`;
  }
}

function describeEntries(entries: readonly Entry[]): string {
  const [first, last] = [entries[0], entries.at(-1)];
  if (first === undefined || last === undefined) return 'nothing';
  const changes = entries.filter(({ type }) => type !== 'normal').length;
  const kinds = changes === 0 ? '' : ` (${changes} of membership)`;
  return first === last
    ? `entry ${first.index}/${first.term}${kinds}`
    : `entries ${first.index}/${first.term} to ${last.index}/${last.term}${kinds}`;
}
