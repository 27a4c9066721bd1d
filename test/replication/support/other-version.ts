import type { FormatStep, Translation } from '../../../src/replication/formats/versions.ts';
import type { PeerTransport } from '../../../src/replication/ports/peer-transport.ts';
import type { OtherProgram } from './test-cluster.ts';

/**
 * Versions of the peer protocol that do not exist, to see how this one lives beside them. A frame of version 1 is what this program sends:
 * version, kind, body. Each later version has one field more, a byte between kind and body; so have requests, and the mark that begins a
 * copy of a state.
 */
const FIELD = 0xa5;

/** One field more at `at`, and the next version in front. */
function raised(bytes: Uint8Array, at: number): Uint8Array {
  const version = bytes[0] ?? 0;
  return Uint8Array.of(version + 1, ...bytes.subarray(1, at), FIELD, ...bytes.subarray(at));
}

/** Null when the field is not where it has to be. */
function lowered(bytes: Uint8Array, at: number): Uint8Array | null {
  if (bytes[at] !== FIELD || (bytes[0] ?? 0) < 2) return null;
  return Uint8Array.of((bytes[0] ?? 0) - 1, ...bytes.subarray(1, at), ...bytes.subarray(at + 1));
}

const frames: Translation = {
  down: (bytes) => lowered(bytes, 2),
  up: (bytes) => raised(bytes, 2),
};

/** Only the mark that comes first has a version. */
function answers(): Translation {
  let first = true;
  const once = (translate: (bytes: Uint8Array) => Uint8Array | null) => (bytes: Uint8Array) => {
    const translated = first ? translate(bytes) : bytes;
    first = false;
    return translated;
  };
  return { down: once((bytes) => lowered(bytes, 1)), up: once((bytes) => raised(bytes, 1)) };
}

const step: FormatStep = { frames, requests: frames, answers };

/** A program whose newest version is `newest`, and which speaks the one before it as well. */
export function programOf(newest: number, raiseAfterMs = Number.POSITIVE_INFINITY): OtherProgram {
  const disguise = (transport: PeerTransport): PeerTransport =>
    Array.from({ length: newest - 1 }).reduce<PeerTransport>((inner) => new Disguise(inner), transport);
  return { formats: { newest, before: newest === 1 ? null : step }, raiseAfterMs, disguise };
}

/** Frames of a version above, frames of the next one below. */
class Disguise implements PeerTransport {
  readonly #inner: PeerTransport;

  constructor(inner: PeerTransport) {
    this.#inner = inner;
  }

  send: PeerTransport['send'] = (node, lane, frame) =>
    this.#inner.send(node, lane, frames.up(frame) ?? frame);

  onFrame: PeerTransport['onFrame'] = (listener) =>
    this.#inner.onFrame((from, lane, frame) => listener(from, lane, frames.down(frame) ?? frame));

  onLink: PeerTransport['onLink'] = (listener) => this.#inner.onLink(listener);

  openStream: PeerTransport['openStream'] = async (node, request) =>
    through(await this.#inner.openStream(node, frames.up(request) ?? request), answers().down);

  onStream: PeerTransport['onStream'] = (handler) =>
    this.#inner.onStream((from, request) =>
      through(handler(from, frames.down(request) ?? request), answers().up),
    );

  setPeers: PeerTransport['setPeers'] = (peers) => this.#inner.setPeers(peers);

  setOldest(version: number): void {
    this.#inner.setOldest?.(version);
  }

  start(): Promise<void> {
    return this.#inner.start();
  }

  stop(): Promise<void> {
    return this.#inner.stop();
  }
}

async function* through(
  chunks: AsyncIterable<Uint8Array>,
  translate: (bytes: Uint8Array) => Uint8Array | null,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    const translated = translate(chunk);
    if (translated === null) throw new Error('not of the version that was agreed on');
    yield translated;
  }
}
