/** What other programs import: the package is packed, unpacked into a project of its own and used there, in plain Node without a hook. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { checkout } from '../../scripts/support/node-process.ts';
import { RealCluster } from '../../scripts/support/real-cluster.ts';

const execute = promisify(execFile);

/** Without the hooks that the test runner gives to whatever is started from here. */
function run(program: string, args: readonly string[], options: { readonly cwd: string }) {
  return execute('env', ['--unset=NODE_OPTIONS', program, ...args], options);
}

/** Outside of the checkout, whose packages would be found otherwise. */
const project = await mkdtemp(join(tmpdir(), 'conclave-package-'));
t.teardown(() => rm(project, { recursive: true, force: true }));
const installed = join(project, 'node_modules', 'conclave');

t.before(async () => {
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  // `prepare` builds dist/ first, as it does after an install.
  const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', project], { cwd: checkout });
  const tarball = stdout.trim().split('\n').at(-1) ?? '';
  await mkdir(installed, { recursive: true });
  await run('tar', ['--extract', '--file', join(project, tarball), '--strip-components=1'], {
    cwd: installed,
  });
});

t.test('package: conclave/raft runs in plain Node and needs no other package', async (t) => {
  const program = join(project, 'replicated-counter.js');
  await copyFile(join(checkout, 'examples', 'replicated-counter.js'), program);
  const { stdout, stderr } = await run(process.execPath, [program], { cwd: project });
  t.equal(stderr, '');
  const lines = stdout.trim().split('\n');
  t.equal(lines[0], 'three members agree: 6 6 6');
  t.match(lines[1], /^the leader was cut off, another leads: /);
  t.same((lines[1] ?? '').split(': ')[1]?.split(' ').sort(), ['10', '10', '6']);
  t.equal(lines[2], 'back again, it catches up: 10 10 10');
  t.equal(lines.length, 3);
  const source = await readFile(program, 'utf8');
  t.ok(source.trimEnd().split('\n').length <= 80, 'it is a short one');
});

t.test('package: its types hold in a strict project that has nothing of this one', async (t) => {
  await writeFile(
    join(project, 'types.ts'),
    `import { defaultRaftConfig, MemoryLog, RawNode, type Ready, RaftError } from 'conclave/raft';
const node = new RawNode(defaultRaftConfig({ id: 1, storage: new MemoryLog(), randomBelow: () => 0 }));
const ready: Ready = node.ready();
export const entries: readonly { readonly index: number }[] = ready.entries;
export const refused = (error: unknown): boolean => error instanceof RaftError && error.kind === 'proposal-dropped';
`,
  );
  const flags = '--noEmit --strict --module nodenext --target es2023 --lib es2023 --types'.split(' ');
  const tsc = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc');
  const checked = run(process.execPath, [tsc, ...flags, '', 'types.ts'], { cwd: project });
  await t.resolves(checked.catch((error: { stdout?: string }) => Promise.reject(new Error(error.stdout))));
});

t.test('package: conclave is the client library, in plain Node, against a running node', async (t) => {
  // In the place of an install, which would ask the registry.
  await symlink(join(checkout, 'node_modules'), join(installed, 'node_modules'), 'dir');
  const cluster = await RealCluster.start({ nodes: 1, label: 'package' });
  t.teardown(() => cluster.dispose());
  const program = join(project, 'client.js');
  await writeFile(
    program,
    `import { connect } from 'conclave';
const client = connect({ nodes: process.argv[2] });
const received = new Promise((resolve) => client.onMessage(resolve));
const replies = [await client.register('ann', 'secret'), await client.login('ann', 'secret'), await client.send('ann', 'hi')];
const { text } = await received;
console.log(replies.map(({ kind }) => kind).join(' '), text);
client.close();
`,
  );
  const [address] = cluster.httpAddresses;
  const { stdout } = await run(process.execPath, [program, `${address?.host}:${address?.port}`], {
    cwd: project,
  });
  t.equal(stdout, 'receipt receipt receipt hi\n');
});

/** The exported names of `conclave/raft`, each with the file that declares it. */
async function exported(): Promise<ReadonlyMap<string, string>> {
  const folder = join(checkout, 'src', 'raft');
  const index = await readFile(join(folder, 'index.ts'), 'utf8');
  const names = new Map<string, string>();
  for (const [, list = '', file = ''] of index.matchAll(/export (?:\{([^}]*)\}|\*) from '\.\/(.*)';/g)) {
    const path = join(folder, file);
    const source = await readFile(path, 'utf8');
    const declared = [...source.matchAll(/^export (?:abstract )?\w+ (\w+)/gm)].map(([, name = '']) => name);
    const chosen = list.split(',').map((name) => name.replace('type', '').trim());
    for (const name of list === '' ? declared : chosen) if (name !== '') names.set(name, path);
  }
  return names;
}

t.test(
  'package: each export of conclave/raft is documented where it is declared, and in the guide',
  async (t) => {
    const guide = await readFile(join(checkout, 'docs', 'raft-library.md'), 'utf8');
    const names = await exported();
    t.ok(names.size > 40, `${names.size} names`);
    for (const [name, path] of names) {
      const source = await readFile(path, 'utf8');
      t.match(source, new RegExp(`\\*/\\nexport (class|function|const|interface|type) ${name}\\b`), name);
      t.match(guide, new RegExp(`\`${name}\``), `${name} in the guide`);
    }
  },
);

t.test('package: each public method of its classes is documented', async (t) => {
  for (const file of ['raw-node.ts', 'memory-log.ts']) {
    const source = await readFile(join(checkout, 'src', 'raft', file), 'utf8');
    const body = source.slice(source.indexOf('export class'));
    const methods = [...body.matchAll(/(\*\/)?\n {2}(?:get )?(\w+)\([^)]*\): [^;]*\{$/gm)];
    t.ok(methods.length > 8, `${methods.length} in ${file}`);
    for (const [, documented, name] of methods) t.equal(documented, '*/', `${file}: ${name}`);
  }
});
