import { CodedError } from '../../base/errors.ts';
import { isSnapshotRequest, readRoomRequest, roomRequest } from '../formats/peer-frames.ts';
import type { PeerStreams } from '../ports/engine.ts';
import type { PeerIdentity, PeerTransport } from '../ports/peer-transport.ts';

interface Member {
  readonly sender: { serve(from: PeerIdentity, request: Uint8Array): AsyncIterable<Uint8Array> };
  /** Lives of disks that were removed: they are given nothing more. */
  readonly directory: { readonly removed: readonly number[] };
}

type Answer = (node: number, request: Uint8Array) => AsyncIterable<Uint8Array>;

/** Who answers a stream that a peer opens: the engine itself copies of the state, a room above it what it asked to answer. */
export class StreamDoor implements PeerStreams {
  readonly #transport: PeerTransport;
  /** Null while this node belongs to no cluster, or rebuilds its state. */
  readonly #member: () => Member | null;
  #room: Answer | null = null;

  constructor(transport: PeerTransport, member: () => Member | null) {
    this.#transport = transport;
    this.#member = member;
  }

  open(node: number, request: Uint8Array): Promise<AsyncIterable<Uint8Array>> {
    return this.#transport.openStream(node, roomRequest(request));
  }

  onRequest(handler: Answer): void {
    this.#room = handler;
  }

  async *serve(from: PeerIdentity, request: Uint8Array): AsyncGenerator<Uint8Array> {
    const member = this.#member();
    if (member?.directory.removed.includes(from.incarnation) === true) throw new CodedError('DENIED');
    if (isSnapshotRequest(request)) {
      if (member === null) throw new CodedError('UNAVAILABLE', 'not part of a cluster yet');
      yield* member.sender.serve(from, request);
      return;
    }
    const asked = readRoomRequest(request);
    if (asked === null || this.#room === null) throw new CodedError('BAD_REQUEST', 'unknown stream');
    yield* this.#room(from.node, asked);
  }
}
