/**
 * `cluster.config.json`: the one file that describes a cluster. Pure: `parseConfig` takes the text, so that a test or a
 * simulation needs no file. Every key has a default except `nodes`; an unknown key is an error that names it.
 */
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { CodedError } from './errors.ts';
import { GIB, MIB } from './limits.ts';
import { isPlainText, peerTlsSchema, plainTextSchema, serverTlsSchema } from './transport-config.ts';

const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const closed = { additionalProperties: false };

const listenerSchema = Type.Object(
  {
    dialect: Type.Union(
      ['pipe', 'messenger', 'slash', 'words', 'registry'].map((name) => Type.Literal(name)),
    ),
    port,
    /** Of the messenger dialect: clients may ask for a connection back to their own address. */
    dialBack: Type.Boolean({ default: false }),
  },
  closed,
);

const nodeSchema = Type.Object(
  {
    id: Type.Integer({ minimum: 1, maximum: 1_000 }),
    host: Type.String({ minLength: 1, maxLength: 253 }),
    peerPort: port,
    chatPort: port,
    httpPort: port,
    listeners: Type.Array(listenerSchema, { default: [], maxItems: 16 }),
    /** What this node shows to people and to other nodes, where it is not what lies in `keys`. */
    tls: Type.Optional(serverTlsSchema),
    peerTls: Type.Optional(peerTlsSchema),
  },
  closed,
);

const timingsSchema = Type.Object(
  {
    /** Length of one tick of the consensus core. */
    tickMs: Type.Integer({ minimum: 5, maximum: 1_000, default: 25 }),
    heartbeatTicks: Type.Integer({ minimum: 1, maximum: 100, default: 2 }),
    /** A follower campaigns after this many ticks without contact, up to twice as many (random). */
    electionTicks: Type.Integer({ minimum: 3, maximum: 1_000, default: 12 }),
  },
  { ...closed, default: {} },
);

const compactionSchema = Type.Object(
  {
    /** Log entries after which the log is cut (whichever bound is reached first). */
    entries: Type.Integer({ minimum: 100, maximum: 10_000_000, default: 65_536 }),
    bytes: Type.Integer({ minimum: 65_536, maximum: 1_073_741_824, default: 33_554_432 }),
    /** Entries kept behind the cut, so that a slow follower needs no snapshot. */
    keepEntries: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 8_192 }),
  },
  { ...closed, default: {} },
);

const diskSchema = Type.Object(
  {
    /** Free space below which a node gives up leading; below it on a majority of nodes, writes are refused. */
    lowBytes: Type.Integer({ minimum: 0, maximum: 1_099_511_627_776, default: 134_217_728 }),
    /** Free space below which a node appends nothing. */
    reserveBytes: Type.Integer({ minimum: 0, maximum: 1_099_511_627_776, default: 33_554_432 }),
  },
  { ...closed, default: {} },
);

const bytesUpTo = (most: number, byDefault: number) =>
  Type.Integer({ minimum: 0, maximum: most, default: byDefault });

/** Bounds of what people send each other; the defaults fit a small team's disks. */
const filesSchema = Type.Object(
  {
    /** One file. */
    fileBytes: bytesUpTo(16 * GIB - MIB, 256 * MIB),
    /** All files that one account has sent or is uploading. */
    accountBytes: bytesUpTo(Number.MAX_SAFE_INTEGER, 4 * GIB),
    /** All files of the cluster, each content once. */
    clusterBytes: bytesUpTo(Number.MAX_SAFE_INTEGER, 64 * GIB),
    /** With less than this left on its disk, a node takes no more chunks: the log needs room too. */
    reserveBytes: bytesUpTo(Number.MAX_SAFE_INTEGER, 512 * MIB),
    /** How fast a node reads its chunks again, to find damage. */
    scrubBytesPerSecond: Type.Integer({ minimum: 65_536, maximum: GIB, default: 4 * MIB }),
  },
  { ...closed, default: {} },
);

const configSchema = Type.Object(
  {
    cluster: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$', default: 'conclave' }),
    profile: Type.Union([Type.Literal('loopback-demo'), Type.Literal('production')], {
      default: 'production',
    }),
    nodes: Type.Array(nodeSchema, { minItems: 1, maxItems: 9 }),
    /** The directory that `npm run admin -- keys` fills. */
    keys: Type.String({ minLength: 1, maxLength: 4_096, default: 'keys' }),
    tls: Type.Optional(serverTlsSchema),
    /** Ports without TLS. Left out: none, or all of the loopback demonstration. */
    plainText: Type.Optional(plainTextSchema),
    /** Of pages beside the members' own that may ask, for instance where a proxy gives the cluster a name of its own. */
    origins: Type.Array(Type.String({ pattern: '^https?://[a-z0-9.:\\[\\]-]+$', maxLength: 300 }), {
      maxItems: 32,
      default: [],
    }),
    /** `single`: a second login of a user that is online is refused. */
    sessions: Type.Union([Type.Literal('multi'), Type.Literal('single')], { default: 'multi' }),
    /** Lets a login tell an unknown user from a wrong password. Off: nobody can probe for names. */
    revealUnknownUser: Type.Boolean({ default: false }),
    timings: timingsSchema,
    compaction: compactionSchema,
    disk: diskSchema,
    files: filesSchema,
    messages: Type.Object(
      {
        /** Older ones go, where a group says nothing else; left out: none ever does. */
        keepDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 36_500 })),
      },
      { ...closed, default: {} },
    ),
    /** `unicode`: names in other scripts too, prepared as RFC 8265 says; what looks like a name that is there is refused. */
    names: Type.Union([Type.Literal('ascii'), Type.Literal('unicode')], { default: 'ascii' }),
    /** Who may register. Default: by invitation; in the demonstration profile whoever likes to. */
    registration: Type.Optional(
      Type.Union([Type.Literal('open'), Type.Literal('invitation'), Type.Literal('closed')]),
    ),
    /** Names without an account, for as long as their connection lasts. Default true in the demonstration profile, else false. */
    guests: Type.Optional(Type.Boolean()),
    passwords: Type.Object(
      {
        /** Code points. Default 8; 1 in the demonstration profile. */
        minChars: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
        /** Refuse the most used ones and those made of a name. Default true; false in the demonstration profile. */
        refuseCommon: Type.Optional(Type.Boolean()),
      },
      { ...closed, default: {} },
    ),
    webhooks: Type.Object(
      {
        /** Outgoing ones may go to private, loopback and link-local addresses, and over plain HTTP. Default true in the demonstration profile. */
        allowPrivate: Type.Optional(Type.Boolean()),
      },
      { ...closed, default: {} },
    ),
    limits: Type.Object(
      {
        /** Slow down who tries passwords out. Default true; false in the demonstration profile. */
        guessing: Type.Optional(Type.Boolean()),
        /** Of one address, before a login; 0: no limit. Defaults 16, 32 and 30; 0 in the demonstration profile. */
        connectionsPerAddress: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
        /** Of one address on the HTTP port, beside WebSockets; 0: no limit. Default 128; 0 in the demonstration profile. */
        httpConnectionsPerAddress: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
        /** In a minute, of one address that shows no session; 0: no limit. Default 300; 0 in the demonstration profile. */
        httpRequestsPerAddress: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
        /** In ten minutes, as registrations are. */
        newConnectionsPerAddress: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
        registrationsPerAddress: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
        /** Least time between two messages of one slash connection to everyone. Default 3000; 0 in the demonstration profile. */
        broadcastMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 3_600_000 })),
        /** Until a line that was begun must be complete, before login. */
        halfLineMs: Type.Integer({ minimum: 100, maximum: 600_000, default: 10_000 }),
        /** Until a connection without login must have sent something. */
        silentMs: Type.Integer({ minimum: 100, maximum: 86_400_000, default: 300_000 }),
      },
      { ...closed, default: {} },
    ),
  },
  closed,
);

export type ClusterConfig = Static<typeof configSchema>;
export type NodeConfig = Static<typeof nodeSchema>;

/** Throws CodedError CONFIG_INVALID with one line that names the key. */
export function parseConfig(text: string): ClusterConfig {
  const value = Value.Default(configSchema, parseJson(text));
  const problem = Value.Errors(configSchema, value).First();
  if (problem !== undefined) {
    const key = problem.path.slice(1).replaceAll('/', '.') || 'the file';
    const unexpected = problem.message === 'Unexpected property';
    throw invalid(unexpected ? `unknown key ${key}` : `${key}: ${problem.message.toLowerCase()}`);
  }
  const config = Value.Decode(configSchema, value);
  rejectDuplicates(config);
  rejectExposedDemo(config);
  rejectPlainPeers(config);
  return config;
}

export function nodeConfig(config: ClusterConfig, id: number): NodeConfig {
  const node = config.nodes.find((candidate) => candidate.id === id);
  if (node !== undefined) return node;
  const known = config.nodes.map((candidate) => candidate.id).join(', ');
  throw invalid(`there is no node ${id} in the configuration (it lists ${known})`);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalid(`not JSON: ${error instanceof Error ? error.message : 'unreadable'}`);
  }
}

function rejectDuplicates(config: ClusterConfig): void {
  const seen = new Set<string>();
  const claim = (what: string): void => {
    if (seen.has(what)) throw invalid(`${what} is used twice`);
    seen.add(what);
  };
  for (const node of config.nodes) {
    claim(`node id ${node.id}`);
    const listeners = node.listeners.map((listener) => listener.port);
    for (const used of [node.peerPort, node.chatPort, node.httpPort, ...listeners]) {
      claim(`address ${node.host}:${used}`);
    }
  }
}

function rejectExposedDemo(config: ClusterConfig): void {
  if (config.profile !== 'loopback-demo') return;
  const exposed = config.nodes.find((node) => !isLoopback(node.host));
  if (exposed === undefined) return;
  throw new CodedError(
    'PROFILE_UNSUPPORTED',
    `profile "loopback-demo" has no transport security and open registration: node ${exposed.id} must not listen on ${exposed.host}`,
  );
}

function rejectPlainPeers(config: ClusterConfig): void {
  if (config.profile === 'loopback-demo' || !isPlainText(config, 'peer')) return;
  throw invalid('plainText: the peer port may be plain text in the profile "loopback-demo" only');
}

function invalid(text: string): CodedError {
  return new CodedError('CONFIG_INVALID', `configuration: ${text}`);
}
