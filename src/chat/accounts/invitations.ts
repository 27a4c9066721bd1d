/** Invitations to register: known by the hash of their code, good for so many registrations until some cluster time. */
import { limits } from '../../base/limits.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { encodeInvitation, type InvitationData } from '../rows/invitation-rows.ts';
import { rowPrefix } from '../rows/row-codec.ts';

class Invitation implements Row, InvitationData {
  readonly codeHash: string;
  readonly key: string;
  readonly untilMs: number;
  noted = false;
  usesLeft: number;

  constructor(data: InvitationData) {
    this.codeHash = data.codeHash;
    this.key = rowPrefix.invitation + data.codeHash;
    this.untilMs = data.untilMs;
    this.usesLeft = data.usesLeft;
  }

  encode(): Uint8Array {
    return encodeInvitation(this);
  }
}

export class Invitations {
  readonly #changes: ChangeSet;
  readonly #byHash = new Map<string, Invitation>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  isGood(codeHash: string, clusterMs: number): boolean {
    const invitation = this.#byHash.get(codeHash);
    return invitation !== undefined && invitation.untilMs > clusterMs;
  }

  /** False when there are too many. Those that expired make room: so only here, where an administrator waits, all are looked at. */
  create(data: InvitationData, clusterMs: number): boolean {
    if (this.#byHash.size >= limits.invitations) {
      for (const old of this.#byHash.values()) if (old.untilMs <= clusterMs) this.#remove(old);
    }
    if (this.#byHash.size >= limits.invitations) return false;
    const invitation = new Invitation(data);
    this.#byHash.set(data.codeHash, invitation);
    this.#changes.put(invitation);
    return true;
  }

  /** One of its uses, together with the registration that is being applied. It must be good. */
  use(codeHash: string): void {
    const invitation = this.#byHash.get(codeHash);
    if (invitation === undefined) return;
    invitation.usesLeft -= 1;
    if (invitation.usesLeft <= 0) this.#remove(invitation);
    else this.#changes.put(invitation);
  }

  restore(all: readonly InvitationData[]): void {
    for (const data of all) this.#byHash.set(data.codeHash, new Invitation(data));
  }

  rows(): Iterable<Row> {
    return this.#byHash.values();
  }

  clear(): void {
    this.#byHash.clear();
  }

  #remove(invitation: Invitation): void {
    this.#byHash.delete(invitation.codeHash);
    this.#changes.delete(invitation);
  }
}
