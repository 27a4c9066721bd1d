import { spokenVersion, type VersionRange } from '../formats/versions.ts';
import type { PeerIdentity } from '../ports/peer-transport.ts';
import { type Hello, versionsIn } from './handshake.ts';

/** Which versions this node speaks on its links, and with which nodes it cannot. */
export class SpokenVersions {
  #range: VersionRange;
  /** Nodes that are too far away, and how far. */
  readonly #apart = new Map<number, string>();

  constructor(range: VersionRange) {
    this.#range = range;
  }

  get range(): VersionRange {
    return this.#range;
  }

  /** The oldest that is spoken from now on, as far as this node can; never an older one again. */
  raise(version: number): void {
    const { oldest, newest } = this.#range;
    this.#range = { oldest: Math.min(Math.max(oldest, version), newest), newest };
  }

  identityOf(hello: Hello): PeerIdentity {
    const { node, incarnation } = hello;
    const theirs = versionsIn(hello);
    // Checked in the handshake; the own range may have become smaller since.
    const spoken = spokenVersion(this.#range, theirs) ?? theirs.newest;
    return { node, incarnation, versions: { spoken, newest: theirs.newest } };
  }

  apart(node: number, how: string): void {
    this.#apart.set(node, how);
  }

  together(node: number): void {
    this.#apart.delete(node);
  }

  alarms(): readonly string[] {
    return [...this.#apart].map(([node, how]) => `node ${node} is too far from this version: ${how}`);
  }
}
