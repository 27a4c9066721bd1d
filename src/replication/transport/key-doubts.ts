import { CodedError } from '../../base/errors.ts';

const probeEveryMs = 1_000;

/**
 * Whose key is the wrong one, this node's or another's? Anyone can come with a wrong key and call itself node 2; so what node 2 has is asked at
 * its own address, now and then. When a majority there differs, and no link was ever up, it is this node's.
 */
export class KeyDoubts {
  readonly #onWrongKey: (error: CodedError) => void;
  readonly #differs = new Set<number>();
  readonly #askedMs = new Map<number, number>();
  #settled = false;

  constructor(onWrongKey: (error: CodedError) => void) {
    this.#onWrongKey = onWrongKey;
  }

  /** A link is, or was, up: the key is right. */
  settle(): void {
    this.#settled = true;
  }

  /** Whether to ask a node at its address now. */
  mayAsk(node: number, nowMs: number): boolean {
    if (this.#settled || nowMs - (this.#askedMs.get(node) ?? -probeEveryMs) < probeEveryMs) return false;
    this.#askedMs.set(node, nowMs);
    return true;
  }

  /** A node, asked at its address, has another key. `others`: nodes there are beside this one. */
  differs(node: number, others: number): void {
    this.#differs.add(node);
    const quorum = Math.floor((others + 1) / 2) + 1;
    if (this.#settled || this.#differs.size < Math.min(quorum, others)) return;
    const nodes = [...this.#differs].sort((a, b) => a - b).join(', ');
    this.#onWrongKey(
      new CodedError(
        'KEY_WRONG',
        `the cluster key differs from the one of node ${nodes}: copy cluster.key from there`,
      ),
    );
  }
}
