/**
 * The layers as a test: imports point down, the few sideways ones are listed, none comes round again, and the pure rooms touch neither the
 * platform nor time nor chance. Reads the source text; runs nothing of it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../..', import.meta.url));

const layerOf: Readonly<Record<string, number>> = {
  base: 0,
  tls: 1,
  raft: 1,
  chat: 1,
  protocol: 1,
  wal: 2,
  store: 2,
  files: 2,
  replication: 2,
  delivery: 2,
  search: 2,
  backup: 2,
  gateway: 3,
  client: 3,
  cli: 4,
  web: 4,
  main: 4,
  scripts: 4,
  // The drill judges with the oracle that the tests use.
  test: 4,
};
/** Arrows within one layer. `types` allows `import type` only. */
const sideways: Readonly<Record<string, 'any' | 'types'>> = {
  'protocol → chat': 'types',
  'replication → wal': 'any',
  'replication → store': 'any',
  'delivery → store': 'any',
  'search → store': 'types',
  'search → delivery': 'any',
  'backup → wal': 'any',
  'backup → store': 'any',
  'backup → files': 'any',
  'backup → replication': 'any',
};
/** Arrows that point down and are forbidden all the same: the two cores never meet, clients know no server room. */
const forbidden = [
  'replication → chat',
  'wal → chat',
  'store → chat',
  'store → raft',
  'gateway → raft',
  'gateway → wal',
  'delivery → raft',
  'backup → raft',
  'client → raft',
  'client → wal',
  'client → store',
  'client → replication',
  'client → delivery',
  'client → backup',
  'cli → raft',
  'web → raft',
  'web → wal',
  'web → store',
  'web → replication',
  'web → delivery',
  'web → gateway',
  'web → chat',
];
const pureRooms = new Set(['raft', 'chat', 'protocol']);
/** Rooms that a simulation runs whole: time and chance reach them through ports; files named are adapters to the platform. */
const simulatedRooms = new Set(['wal', 'store', 'files', 'replication', 'delivery', 'client']);
const adapters = new Set([
  'src/base/system-clock.ts',
  'src/wal/node-disk.ts',
  'src/replication/transport/tcp-transport.ts',
  'src/replication/transport/peer-sockets.ts',
  'src/replication/transport/timers.ts',
  'src/client/ws-dialer.ts',
  'src/client/http-caller.ts',
  'src/client/local-files.ts',
]);

/**
 * The rooms within a folder: each imports from those before it only. What lies beside them puts them together, stands last, and none
 * imports it.
 */
const roomOrders: Readonly<Record<string, readonly string[]>> = {
  cli: ['program', 'cluster', 'doctor', 'transfer', 'commands', 'dialogues', 'terminal', ''],
  chat: ['vocabulary', 'codecs', 'names', 'rows', 'sessions', 'accounts', 'conversations', 'handlers', ''],
  gateway: [
    'connections',
    'secrets',
    'reads',
    'files',
    'requests',
    'native',
    'lines',
    'http',
    'operations',
    'transfer',
    'bots',
    'api',
    '',
  ],
  replication: [
    'ports',
    'formats',
    'transport',
    'peers',
    'storage',
    'replica',
    'requests',
    'membership',
    'repair',
    '',
  ],
};

interface Import {
  readonly file: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

function sources(directory: string): string[] {
  return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

function importsOf(file: string): Import[] {
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/g;
  return [...textOf(file).matchAll(pattern)].map((match) => ({
    file,
    specifier: match[2] ?? match[3] ?? '',
    typeOnly: match[1] !== undefined,
  }));
}

function roomOf(file: string): string {
  const parts = file.split('/');
  if (parts[0] !== 'src') return parts[0] ?? '';
  return parts.length === 2 ? (parts[1] ?? '').replace(/\.ts$/, '') : (parts[1] ?? '');
}

function targetOf({ file, specifier }: Import): string | null {
  return specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : null;
}

const files = [...sources('src'), ...sources('scripts')];
const imports = files.flatMap(importsOf);

function faultOf(line: Import): string | null {
  const target = targetOf(line);
  if (target === null) return null;
  const [from, to] = [roomOf(line.file), roomOf(target)];
  if (from === to) return null;
  const [upper, lower] = [layerOf[from], layerOf[to]];
  if (upper === undefined || lower === undefined) return 'a room without a layer';
  const arrow = `${from} → ${to}`;
  if (forbidden.includes(arrow)) return 'a forbidden arrow';
  if (upper > lower) return null;
  if (upper === 4 && from !== 'cli' && from !== 'web') return null;
  const allowed = sideways[arrow];
  if (allowed === undefined) return 'does not point down';
  return allowed === 'types' && !line.typeOnly ? 'may import types only' : null;
}

t.test('imports: every arrow points down or is one of the listed sideways ones', async (t) => {
  t.ok(files.length > 20, 'the sources were found');
  const faults = imports.flatMap((line) => {
    const fault = faultOf(line);
    return fault === null ? [] : [`${line.file} imports ${line.specifier}: ${fault}`];
  });
  t.strictSame(faults, []);
});

/** The room within its folder: `''` beside the rooms. */
function innerRoomOf(file: string): string {
  const [, , room, ...rest] = file.split('/');
  return rest.length === 0 ? '' : (room ?? '');
}

function orderFaultOf(line: Import): string | null {
  const target = targetOf(line);
  const folder = roomOf(line.file);
  const order = roomOrders[folder];
  if (target === null || order === undefined || roomOf(target) !== folder) return null;
  const [from, to] = [innerRoomOf(line.file), innerRoomOf(target)];
  if (from === to) return null;
  const [upper, lower] = [order.indexOf(from), order.indexOf(to)];
  if (upper === -1 || lower === -1) return `a room of ${folder} without a place`;
  return upper > lower ? null : `points up within ${folder}`;
}

t.test('imports: the rooms of a folder import from those before them only', async (t) => {
  for (const [folder, order] of Object.entries(roomOrders)) {
    const found = new Set(files.filter((file) => roomOf(file) === folder).map(innerRoomOf));
    t.strictSame([...found].sort(), [...order].sort(), `${folder}: its rooms are those in the table`);
  }
  const faults = imports.flatMap((line) => {
    const fault = orderFaultOf(line);
    return fault === null ? [] : [`${line.file} imports ${line.specifier}: ${fault}`];
  });
  t.strictSame(faults, []);
});

t.test('imports: the check notices a wrong arrow between the rooms of a folder', async (t) => {
  const fault = (file: string, specifier: string): string | null =>
    orderFaultOf({ file, specifier, typeOnly: true });
  t.equal(fault('src/gateway/reads/x.ts', '../requests/y.ts'), 'points up within gateway');
  t.equal(fault('src/gateway/lines/x.ts', '../edge.ts'), 'points up within gateway');
  t.equal(fault('src/gateway/lines/dialects/x.ts', '../../edge.ts'), 'points up within gateway');
  t.equal(fault('src/chat/codecs/x.ts', '../rows/y.ts'), 'points up within chat');
  t.equal(fault('src/chat/attic/x.ts', '../rows/y.ts'), 'a room of chat without a place');
  t.equal(fault('src/chat/handlers/x.ts', '../rows/y.ts'), null);
});

t.test(
  'imports: the pure rooms reach neither platform nor package, not even through another file',
  async (t) => {
    const byFile = groupByFile(imports);
    const faults: string[] = [];
    for (const start of files.filter((file) => pureRooms.has(roomOf(file)))) {
      const seen = new Set<string>();
      const queue = [start];
      for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
        if (seen.has(file)) continue;
        seen.add(file);
        for (const line of byFile.get(file) ?? []) {
          if (line.typeOnly) continue;
          const target = targetOf(line);
          if (target !== null) queue.push(target);
          else faults.push(`${start} reaches ${line.specifier} in ${file}`);
        }
      }
    }
    t.strictSame([...new Set(faults)], []);
  },
);

function groupByFile(lines: readonly Import[]): Map<string, Import[]> {
  const groups = new Map<string, Import[]>();
  for (const line of lines) groups.set(line.file, [...(groups.get(line.file) ?? []), line]);
  return groups;
}

const impure: readonly [name: string, pattern: RegExp][] = [
  ['a clock', /\bDate\b|\bperformance\b|\bprocess\.hrtime\b/],
  ['chance', /\bMath\.random\b|\bcrypto\b|\brandomBytes\b/],
  ['a timer', /\bset(Timeout|Interval|Immediate)\b/],
];
const asynchronous: readonly [string, RegExp] = [
  'something asynchronous',
  /\basync\b|\bawait\b|\bPromise\b|\bqueueMicrotask\b/,
];

function codeOf(file: string): string {
  return textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");
}

t.test('imports: the pure rooms use no clock, no chance, no timer and nothing asynchronous', async (t) => {
  const faults = files
    .filter((file) => pureRooms.has(roomOf(file)))
    .flatMap((file) =>
      [...impure, asynchronous]
        .filter(([, pattern]) => pattern.test(codeOf(file)))
        .map(([name]) => `${file}: ${name}`),
    )
    // The state machine's port is asynchronous where rows stream in at start; nothing else may be.
    .filter((fault) => fault !== 'src/chat/machine.ts: something asynchronous');
  t.strictSame(faults, []);
});

/** The arrows of a graph that close a circle: none is left where this is empty. */
function closingArrows(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const closing: string[] = [];
  const open = new Set<string>();
  const done = new Set<string>();
  const visit = (file: string): void => {
    open.add(file);
    for (const target of graph.get(file) ?? []) {
      if (open.has(target)) closing.push(`${file} → ${target}`);
      else if (!done.has(target)) visit(target);
    }
    open.delete(file);
    done.add(file);
  };
  for (const file of graph.keys()) if (!done.has(file)) visit(file);
  return closing;
}

// A circle of types only runs, and is a knot to a reader all the same: neither file can be understood before the other.
t.test('imports: no file comes round to itself, not even by its types', async (t) => {
  const lines = [...imports, ...sources('test').flatMap(importsOf)];
  const graph = new Map(
    [...groupByFile(lines)].map(([file, own]) => [file, own.flatMap((line) => targetOf(line) ?? [])]),
  );
  t.strictSame(closingArrows(graph), []);
});

t.test('imports: the check notices a circle', async (t) => {
  const graph = new Map([
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['b', 'd']],
    ['e', ['e']],
  ]);
  t.strictSame(closingArrows(graph), ['c → b', 'e → e']);
});

/** The file and what it reaches within its room, types aside. */
function reachedWithinRoom(start: string): ReadonlySet<string> {
  const byFile = groupByFile(imports);
  const seen = new Set([start]);
  for (const file of seen) {
    for (const line of byFile.get(file) ?? []) {
      const target = line.typeOnly ? null : targetOf(line);
      if (target !== null && roomOf(target) === roomOf(start)) seen.add(target);
    }
  }
  return seen;
}

t.test('imports: rooms that a simulation runs take time and chance from ports only', async (t) => {
  const edge = reachedWithinRoom('src/gateway/edge.ts');
  t.ok(edge.has('src/gateway/native/native-session.ts'), 'of the gateway, the edge with its sessions is run');
  const faults = files
    .filter((file) => (simulatedRooms.has(roomOf(file)) && !adapters.has(file)) || edge.has(file))
    .flatMap((file) =>
      impure.filter(([, pattern]) => pattern.test(codeOf(file))).map(([name]) => `${file}: ${name}`),
    );
  t.strictSame(faults, []);
});

t.test('imports: the check notices a wrong arrow', async (t) => {
  t.equal(
    faultOf({ file: 'src/raft/x.ts', specifier: '../chat/y.ts', typeOnly: true }),
    'does not point down',
  );
  t.equal(
    faultOf({ file: 'src/wal/x.ts', specifier: '../gateway/y.ts', typeOnly: false }),
    'does not point down',
  );
  t.equal(
    faultOf({ file: 'src/replication/x.ts', specifier: '../chat/y.ts', typeOnly: true }),
    'a forbidden arrow',
  );
  t.equal(
    faultOf({ file: 'src/protocol/x.ts', specifier: '../chat/y.ts', typeOnly: false }),
    'may import types only',
  );
  t.equal(faultOf({ file: 'src/protocol/x.ts', specifier: '../chat/y.ts', typeOnly: true }), null);
});
