import type { Logger } from '../../base/logger.ts';
import type { HandshakeError } from './secure-connection.ts';

const logEveryMs = 60_000;

/** Connections that were not taken: counted all, logged once a minute and reason, so that whoever knocks a thousand times fills no disk. */
export class Refusals {
  readonly #logger: Logger;
  readonly #counts: Record<string, number> = {};
  readonly #loggedMs = new Map<string, number>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get counts(): Readonly<Record<string, number>> {
    return this.#counts;
  }

  count(reason: string): void {
    this.#counts[reason] = (this.#counts[reason] ?? 0) + 1;
  }

  log(nowMs: number, reason: string, text: string): void {
    if (nowMs - (this.#loggedMs.get(reason) ?? -logEveryMs) < logEveryMs) return;
    this.#loggedMs.set(reason, nowMs);
    this.#logger.warn({ reason }, `peer connection: ${text}`);
  }
}

export function describeRefusal({ refusal, node, detail }: HandshakeError): string {
  const who = node === null ? 'a stranger' : `what calls itself node ${node}`;
  switch (refusal) {
    case 'wrong-key':
      return `${who} has another cluster key`;
    case 'other-cluster':
      return `${who} belongs to another cluster`;
    case 'other-version':
      return `${who} is too far from this version: ${detail}`;
    case 'unknown-node':
      return `${who} has this node's number, or meant another node`;
    case 'handshake-timeout':
      return `${who} did not finish the handshake in time`;
    case 'bad-certificate':
      return `${who} has no valid certificate of this cluster's authority`;
    case 'other-certificate':
      return `${who} shows the certificate of another node`;
    case 'too-many':
      return 'too many connections have not finished their handshake';
    default:
      return `${who} does not speak the peer protocol`;
  }
}
