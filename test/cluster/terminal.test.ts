/**
 * The example chat session of the slash system's description, typed line by line into three clients of their own on a real cluster: what
 * each of them reads, files included, and that it goes on after the leader has died.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { RealCluster } from '../../scripts/support/real-cluster.ts';
import { until } from '../../scripts/support/until.ts';
import { patienceOfFileMs } from './support/patience.ts';

const readsMs = 30_000;

t.setTimeout(patienceOfFileMs);
const directory = t.testdir({ 'example.txt': 'an example\n', 'file.txt': 'for the group\n' });
const cluster = await RealCluster.start({ label: 'terminal' });
t.teardown(() => cluster.dispose({ keep: !t.passing() }));

/** A client program that is typed into; what it shows is read line by line. */
class Typist {
  readonly name: string;
  readonly downloads: string;
  readonly #child: ChildProcessWithoutNullStreams;
  #shown = '';
  #noticed = '';
  #readChars = 0;

  constructor(name: string) {
    this.name = name;
    this.downloads = join(directory, `downloads of ${name}`);
    const flags = ['--config', cluster.configPath, '--dialect', 'slash', '--downloads', this.downloads];
    const program = ['--import', 'tsx', 'src/cli/client.ts', ...flags, '--timeout', '60'];
    this.#child = spawn(process.execPath, program);
    this.#child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.#shown += chunk;
    });
    this.#child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      this.#noticed += chunk;
    });
    t.teardown(() => this.#child.kill('SIGKILL'));
  }

  type(line: string): void {
    this.#child.stdin.write(`${line}\n`);
  }

  /** The next line on the screen. */
  async reads(wanted: string): Promise<string> {
    const end = await until(`${this.name} reads ${wanted}`, readsMs, async () => {
      const at = this.#shown.indexOf('\n', this.#readChars);
      return at < 0 ? null : at;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; notices: ${this.#noticed}`);
    });
    const line = this.#shown.slice(this.#readChars, end);
    this.#readChars = end + 1;
    return line;
  }

  get notices(): string {
    return this.#noticed;
  }

  /** Its exit code, once it has read everything. */
  async ended(): Promise<number | null> {
    await until(`${this.name} has left`, readsMs, async () => this.#child.exitCode !== null);
    return this.#child.exitCode;
  }
}

const people = {
  sophia: new Typist('sophia'),
  jojo: new Typist('jojo'),
  nana: new Typist('nana'),
};

async function play(script: string): Promise<void> {
  for (const row of script.split('\n')) {
    const [, name = '', direction, line = ''] = /^\s*(\w+)([<>]) ?(.*)$/.exec(row) ?? [];
    if (!isPerson(name)) continue;
    if (direction === '>') people[name].type(line);
    else t.equal(await people[name].reads(line), line, `${name} reads ${line}`);
  }
}

function isPerson(name: string): name is keyof typeof people {
  return Object.hasOwn(people, name);
}

function received(name: keyof typeof people, file: string): Promise<string> {
  return readFile(join(people[name].downloads, file), 'utf8');
}

t.test('slash client: the example session gives what its description shows', async (t) => {
  await play(`
    sophia> sophia
    sophia< SUCCESS: Username registered.
    jojo> jojo
    jojo< SUCCESS: Username registered.
    sophia> Hello everyone!
    jojo< [Broadcast from sophia]: Hello everyone!
    sophia> /list
    sophia< sophia, jojo
    sophia> /msg jojo How are you?
    jojo< Private message from sophia: How are you?
    sophia< Private message to jojo: How are you?
    sophia> /file jojo ${join(directory, 'example.txt')}
    sophia< File example.txt sent to jojo successfully.
    jojo< You received file 'example.txt' from sophia.
    sophia> /create haha
    sophia< Group haha created and joined.
    jojo> /showgroups
    jojo< haha
    jojo> /join haha
    jojo< Joined group haha
    jojo> /showgroupmembers
    jojo< jojo sophia
    nana> nana
    nana< SUCCESS: Username registered.
    nana> /join haha
    nana< Joined group haha
    jojo> /group haha Hello there!
    sophia< [Receive group haha message from jojo]: Hello there!
    nana< [Receive group haha message from jojo]: Hello there!
    jojo< Group message to haha: Hello there!
    sophia> /groupfile haha ${join(directory, 'file.txt')}
    sophia< File file.txt sent to group haha successfully.
    jojo< [Receive file.txt from Group haha sophia]
    nana< [Receive file.txt from Group haha sophia]
  `);
  t.equal(await received('jojo', 'example.txt'), 'an example\n');
  t.equal(await received('jojo', 'file.txt'), 'for the group\n');
  t.equal(await received('nana', 'file.txt'), 'for the group\n');
});

t.test('slash client: guests and their files outlive the leader', async (t) => {
  const { id } = await cluster.leader();
  await cluster.end(id);
  await play(`
    sophia> /msg jojo Still there?
    jojo< Private message from sophia: Still there?
    sophia< Private message to jojo: Still there?
    jojo> /file nana ${join(directory, 'example.txt')}
    jojo< File example.txt sent to nana successfully.
    nana< You received file 'example.txt' from jojo.
    nana> /showgroupmembers
    nana< jojo nana sophia
  `);
  t.equal(await received('nana', 'example.txt'), 'an example\n');
  const told = Object.values(people).map(({ notices }) => notices);
  t.ok(told.some((text) => text.includes(`Server ${id} is down. Initiating leader election.`)));
  for (const person of Object.values(people)) {
    person.type('/quit');
    const goodbye = 'SUCCESS: You have left the ChatSystem:)';
    t.equal(await person.reads(goodbye), goodbye);
    t.equal(await person.ended(), 0);
  }
});
