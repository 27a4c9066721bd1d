/** What a gateway is made of. */
import type { TransportSecurity } from '../tls/transport-security.ts';
import type { EdgeOptions } from './edge.ts';
import type { NodeStorage } from './operations/node-storage.ts';
import type { Hasher } from './secrets/hasher.ts';

export interface GatewayOptions extends Omit<EdgeOptions, 'hasher' | 'turn' | 'secureBytes'> {
  /** For tests; otherwise a child process. */
  readonly hasher?: Hasher;
  /** Without it there are no backups. */
  readonly storage?: NodeStorage;
  /** The cluster key, by which operators are known; without it none is let in. */
  readonly operatorKey?: Uint8Array;
  /** Certificates of the ports that are not plain text; not needed when all are. */
  readonly security?: Pick<TransportSecurity, 'server' | 'alarms' | 'expiries'>;
  /** Connections on the peer port that were closed before anything on them was parsed, by reason. */
  readonly peerRefusals?: () => Readonly<Record<string, number>>;
  /** Ends this process as a power cut would, for the demonstration profile only. */
  readonly killSelf?: () => void;
}
