/** The certificates that a running node uses: taken up anew without a restart, and told of before they expire. */
import { basename } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import type { ClusterConfig } from '../base/config.ts';
import { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { isPlainText } from '../base/transport-config.ts';
import { peerPaths, serverPaths } from './key-directory.ts';
import {
  type Expiry,
  type Loaded,
  loadPeer,
  loadServer,
  type Material,
  type PeerMaterial,
} from './material.ts';

const dayMs = 24 * 3_600_000;
/** Time enough to notice, through holidays too. */
const warnDays = 30;

/** What a port asks for its certificate. */
export interface MaterialSource<Kind extends Material> {
  current(): Kind;
  /** Told after a reload: connections made from then on use the new one. */
  onChange(listener: () => void): void;
}

export interface SecurityOptions {
  readonly config: ClusterConfig;
  readonly configPath: string;
  readonly node: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Current {
  /** Null: every port that it is for is plain text. */
  readonly server: Loaded<Material> | null;
  readonly peer: Loaded<PeerMaterial> | null;
}

export class TransportSecurity {
  readonly #options: SecurityOptions;
  readonly #listeners = new Set<() => void>();
  #current: Current;
  #failure: string | null = null;
  #timer: Timer | null = null;

  private constructor(options: SecurityOptions, current: Current) {
    this.#options = options;
    this.#current = current;
    this.#watchExpiry();
  }

  /** Rejects with CodedError TLS_INVALID: what a port needs is missing or cannot work. */
  static async load(options: SecurityOptions): Promise<TransportSecurity> {
    return new TransportSecurity(options, await loadAll(options));
  }

  /** For the ports that people connect to; null when they are plain text. */
  get server(): MaterialSource<Material> | null {
    return this.#current.server === null ? null : this.#source((current) => current.server);
  }

  /** For the port and the connections between nodes; null when they are plain text. */
  get peer(): MaterialSource<PeerMaterial> | null {
    return this.#current.peer === null ? null : this.#source((current) => current.peer);
  }

  /** Takes up new files, all or none. Never rejects: with the old ones the node goes on as before. */
  async reload(): Promise<void> {
    const { logger } = this.#options;
    try {
      this.#current = await loadAll(this.#options);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      this.#failure = error.message;
      logger.error(
        { code: error.code },
        `certificates not reloaded, the old ones stay in use: ${error.message}`,
      );
      return;
    }
    this.#failure = null;
    logger.info({}, 'certificates reloaded');
    for (const listener of this.#listeners) listener();
    this.#watchExpiry();
  }

  /** What an operator should see to, a line each. */
  alarms(): readonly string[] {
    const failed = this.#failure === null ? [] : [`certificates not reloaded: ${this.#failure}`];
    return [...failed, ...this.expiries().flatMap((expiry) => this.#warningOf(expiry))];
  }

  expiries(): readonly Expiry[] {
    const { server, peer } = this.#current;
    return [...(server?.expiries ?? []), ...(peer?.expiries ?? [])];
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #source<Kind extends Material>(of: (current: Current) => Loaded<Kind> | null): MaterialSource<Kind> {
    const initial = of(this.#current);
    return {
      current: () => {
        const loaded = of(this.#current) ?? initial;
        if (loaded === null) throw new Error('there is no certificate for this port');
        return loaded.material;
      },
      onChange: (listener) => void this.#listeners.add(listener),
    };
  }

  #warningOf({ path, notAfterMs }: Expiry): string[] {
    const days = Math.floor((notAfterMs - this.#options.clock.wallMs()) / dayMs);
    if (days >= warnDays) return [];
    const when = new Date(notAfterMs).toISOString().slice(0, 10);
    const rest = days < 0 ? 'has expired' : `expires in ${days} days`;
    return [`certificate ${basename(path)} ${rest} (${when}): renew it with npm run admin -- keys --renew`];
  }

  /** At once and then every day. */
  #watchExpiry(): void {
    this.#timer?.cancel();
    for (const alarm of this.expiries().flatMap((expiry) => this.#warningOf(expiry))) {
      this.#options.logger.warn({}, alarm);
    }
    this.#timer = this.#options.clock.after(dayMs, () => this.#watchExpiry());
  }
}

async function loadAll({ config, configPath, node, clock }: SecurityOptions): Promise<Current> {
  const nowMs = clock.wallMs();
  const isServerPlain = isPlainText(config, 'chat') && isPlainText(config, 'http');
  const self = { cluster: config.cluster, node };
  return {
    server: isServerPlain ? null : await loadServer(serverPaths(config, configPath, node), nowMs),
    peer: isPlainText(config, 'peer')
      ? null
      : await loadPeer(peerPaths(config, configPath, node), self, nowMs),
  };
}
