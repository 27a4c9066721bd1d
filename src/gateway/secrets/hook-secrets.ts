/**
 * Secrets of webhooks. A node has to know them in plain to sign with them, so they are not random: they follow from the cluster key, which
 * every node has, and are neither in the log nor in the state. Signatures are those of the Standard Webhooks specification, version 1.
 */
import { createHmac } from 'node:crypto';
import type { HookId } from '../../chat/vocabulary/hook-types.ts';
import { sameText } from './identifiers.ts';

const prefix = 'whsec_';
const scheme = 'v1,';
/** How far the time of a signature may be from the node's. */
const toleranceMs = 300_000;

export interface SignedParts {
  /** What a repetition is known by. */
  readonly id: string;
  /** Seconds since 1970-01-01 UTC. */
  readonly timestamp: string;
  readonly body: string;
}

export class HookSecrets {
  readonly #clusterKey: Uint8Array;

  constructor(clusterKey: Uint8Array) {
    this.#clusterKey = clusterKey;
  }

  /** As its owner is shown it. */
  secretOf(hook: HookId): string {
    return prefix + this.#bytesOf(hook).toString('base64');
  }

  /** A node that has it could make it: nothing is compared but texts of one length. */
  isSecretOf(hook: HookId, shown: string): boolean {
    return sameText(shown, this.secretOf(hook));
  }

  sign(hook: HookId, { id, timestamp, body }: SignedParts): string {
    const mac = createHmac('sha256', this.#bytesOf(hook)).update(`${id}.${timestamp}.${body}`);
    return scheme + mac.digest('base64');
  }

  /** `signatures`: one or more, separated by spaces. */
  isSigned(hook: HookId, parts: SignedParts, signatures: string, nowMs: number): boolean {
    const isNow = Math.abs(Number(parts.timestamp) * 1_000 - nowMs) <= toleranceMs;
    if (!isNow) return false;
    const wanted = this.sign(hook, parts);
    return signatures.split(' ').some((signature) => sameText(signature, wanted));
  }

  #bytesOf(hook: HookId): Buffer {
    return createHmac('sha256', this.#clusterKey).update(`conclave webhook ${hook}`).digest();
  }
}
