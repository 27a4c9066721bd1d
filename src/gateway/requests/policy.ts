/** What the configuration decides about requests. */
import type { ClusterConfig } from '../../base/config.ts';
import type { AddressBounds } from '../connections/address-limits.ts';
import type { PasswordRules } from '../secrets/passwords.ts';
import type { NameRule } from './name-preparation.ts';

export interface Policy {
  /** A second login of a user that is online is refused. */
  readonly singleSessions: boolean;
  /** A login tells an unknown user from a wrong password. */
  readonly revealUnknownUser: boolean;
  /** The list of users, and the search in it, before login. */
  readonly publicUserList: boolean;
  /** Whoever runs a group elsewhere may announce it, and the groups are listed, without an account. */
  readonly publicRegistry: boolean;
  readonly guests: boolean;
  /** Between two messages of one slash connection to everyone. */
  readonly broadcastMs: number;
  readonly registration: 'open' | 'invitation' | 'closed';
  readonly names: NameRule;
  readonly passwords: PasswordRules;
  /** Who tries passwords out is slowed down. */
  readonly limitsGuessing: boolean;
  /** Webhooks may go to private addresses, and over plain HTTP. */
  readonly privateWebhooks: boolean;
  readonly addresses: AddressBounds;
  readonly httpConnectionsPerAddress: number;
  /** In a minute, without a session; 0: no limit. */
  readonly httpRequestsPerAddress: number;
  /** Of the nodes that are listed: no group may have one of them. */
  readonly nodePorts: ReadonlySet<number>;
}

/** Why nobody may register with that code, or without one; null when they may, as far as the configuration is concerned. */
export function registrationFault({ registration }: Policy, code: string | null): string | null {
  if (registration === 'closed') return 'Registration is closed.';
  return registration === 'invitation' && code === null ? 'Registration is by invitation.' : null;
}

/** The safe figures, unless the demonstration profile relaxes them by its name or the file says otherwise. */
export function policyOf(config: ClusterConfig): Policy {
  const demonstration = config.profile === 'loopback-demo';
  const { passwords, limits } = config;
  const bound = (figure: number): number => (demonstration ? 0 : figure);
  return {
    singleSessions: config.sessions === 'single',
    revealUnknownUser: config.revealUnknownUser,
    publicUserList: demonstration,
    publicRegistry: demonstration,
    guests: config.guests ?? demonstration,
    broadcastMs: limits.broadcastMs ?? bound(3_000),
    registration: config.registration ?? (demonstration ? 'open' : 'invitation'),
    names: config.names,
    passwords: {
      minChars: passwords.minChars ?? (demonstration ? 1 : 8),
      refuseCommon: passwords.refuseCommon ?? !demonstration,
      serviceNames: ['conclave', config.cluster],
    },
    limitsGuessing: limits.guessing ?? !demonstration,
    httpConnectionsPerAddress: limits.httpConnectionsPerAddress ?? bound(128),
    httpRequestsPerAddress: limits.httpRequestsPerAddress ?? bound(300),
    nodePorts: new Set(
      config.nodes.flatMap(({ peerPort, chatPort, httpPort, listeners }) => [
        peerPort,
        chatPort,
        httpPort,
        ...listeners.map(({ port }) => port),
      ]),
    ),
    privateWebhooks: config.webhooks.allowPrivate ?? demonstration,
    addresses: {
      connectionsPerAddress: limits.connectionsPerAddress ?? bound(16),
      newConnectionsPerAddress: limits.newConnectionsPerAddress ?? bound(32),
      registrationsPerAddress: limits.registrationsPerAddress ?? bound(30),
    },
  };
}
