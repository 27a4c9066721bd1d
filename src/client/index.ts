/** The client library's front door: what a program imports. Wires the platform in; a simulation makes `Client` itself. */
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { type Random, seededRandom } from '../base/prng.ts';
import { systemClock } from '../base/system-clock.ts';
import { plainTrust, type Trust, trustAuthorities, trustKeys } from '../tls/trust.ts';
import { parseAddresses } from './addresses.ts';
import { Client } from './client.ts';
import { callerFor, systemDigest } from './http-caller.ts';
import type { Dialer, Secrets } from './ports.ts';
import type { ServerAddress } from './server-pool.ts';
import type { ClientOptions } from './types.ts';
import { dialerFor, systemSecrets } from './ws-dialer.ts';

export type { FetchOutcome, ProgressListener } from './file-transfers.ts';
export type { MessageHandler } from './inbox.ts';
export { openSource, saveFile } from './local-files.ts';
export type {
  Dialer,
  FilePorts,
  FileSource,
  FileTaker,
  HttpCaller,
  HttpRequest,
  Secrets,
  Socket,
  SocketListener,
} from './ports.ts';
export type { ServerAddress } from './server-pool.ts';
export type { Status, StatusListener } from './status.ts';
export type {
  AmendmentsOptions,
  ClientEvent,
  ClientOptions,
  EventListener,
  HistoryOptions,
  Outcome,
  RequestTrace,
  SendOptions,
  Session,
} from './types.ts';
export { Client, callerFor, parseAddresses };

type Ports = 'nodes' | 'clock' | 'random' | 'dialer' | 'secrets';

export interface ConnectOptions extends Omit<ClientOptions, Ports> {
  /** HTTP addresses of one or more nodes, as a list or as `HOST:PORT,HOST:PORT…`; the others are learnt from them. */
  readonly nodes: string | readonly ServerAddress[];
  /** Public keys (PEM) of the servers: exactly these are trusted, and spoken to over TLS. Or whatever else `tls/trust.ts` makes. */
  readonly trust?: string | Trust;
  /** Certificates (PEM) of the authorities that may vouch for the servers, which are then spoken to over TLS. */
  readonly ca?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly dialer?: Dialer;
  readonly secrets?: Secrets;
}

/**
 * Returns at once and connects meanwhile; requests wait for it. Without `trust` and `ca` in plain text, as the loopback demonstration
 * speaks. Throws CodedError USAGE for a bad address and TLS_INVALID for a bad key, never later.
 */
export function connect(options: ConnectOptions): Client {
  const nodes = typeof options.nodes === 'string' ? parseAddresses(options.nodes) : options.nodes;
  if (nodes.length === 0) throw new CodedError('USAGE', 'no node to connect with');
  const secrets = options.secrets ?? systemSecrets;
  const trust = trustOf(options);
  return new Client({
    ...options,
    nodes,
    secrets,
    clock: options.clock ?? systemClock,
    random: options.random ?? seededRandom(Number.parseInt(secrets.hex(6), 16)),
    dialer: options.dialer ?? dialerFor(trust),
    files: options.files ?? { http: callerFor(trust), digest: systemDigest },
  });
}

function trustOf({ trust, ca }: ConnectOptions): Trust {
  if (trust !== undefined) return typeof trust === 'string' ? trustKeys(trust) : trust;
  return ca === undefined ? plainTrust : trustAuthorities(ca);
}
