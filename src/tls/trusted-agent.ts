import type { ClientRequestArgs } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Duplex } from 'node:stream';
import { connectTrusted, type SecureTrust } from './trust.ts';

/** HTTPS and WebSocket connections to servers that were checked before a request was written to them. */
export class TrustedAgent extends Agent {
  readonly #trust: SecureTrust;
  readonly #reachMs: number | undefined;

  /** `reachMs`: see `connectTrusted`. */
  constructor(trust: SecureTrust, options: AgentOptions & { readonly reachMs?: number } = {}) {
    const { reachMs, ...pool } = options;
    super(pool);
    this.#trust = trust;
    this.#reachMs = reachMs;
  }

  override createConnection(
    { host, port }: ClientRequestArgs,
    connected?: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const address = { host: host ?? 'localhost', port: Number(port ?? 443) };
    connectTrusted(address, this.#trust, (error, socket) => connected?.(error, socket), this.#reachMs);
    return undefined;
  }
}
