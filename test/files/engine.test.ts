/** Files over real engines, with nodes that crash when chance says so: what a message refers to is never lost, what nothing wants goes. */
import t from 'tap';
import { type Random, seededRandom } from '../../src/base/prng.ts';
import { encodeProposal } from '../../src/chat/codecs/codec.ts';
import type { Command, Result } from '../../src/chat/vocabulary/types.ts';
import { chunkBytes } from '../../src/protocol/manifest.ts';
import { settle } from '../support/virtual-clock.ts';
import { makeFile, type TestFile } from './support/file-cluster.ts';
import { WholeCluster, type WholeNode } from './support/whole-cluster.ts';

const seeds = Number(process.env.FILES_SEEDS ?? 6);
const [secretHash, sessionDigits] = ['a'.repeat(64), 32];

/** Somebody who uploads and sends, and asks again on any node until there is an answer. */
class Sender {
  readonly #cluster: WholeCluster;
  readonly #random: Random;
  readonly #session: string;
  readonly name: string;
  #sequence = 0;
  account = 0;

  constructor(cluster: WholeCluster, random: Random, number: number) {
    this.#cluster = cluster;
    this.#random = random;
    this.#session = number.toString(16).padStart(sessionDigits, '0');
    this.name = `sender${number}`;
  }

  async join(): Promise<void> {
    await this.change({ kind: 'register', name: this.name, passwordHash: 'hash' });
    const known = await this.#anywhere(async ({ engine, chat }) => {
      await engine.barrier();
      return chat.accountByName(this.name)?.id ?? null;
    });
    this.account = known;
    await this.change({ kind: 'login', account: known, credential: 1 });
  }

  /** Numbered: repeated on any node until its outcome is known. */
  async change(command: Command): Promise<Result> {
    const sequence = ++this.#sequence;
    const numbering = { session: this.#session, secretHash, sequence, lowest: sequence };
    return this.#anywhere(async ({ engine, uploads }) => {
      const complete =
        command.kind === 'send-file' && (await uploads.isComplete(this.account, command.file.manifest));
      const proposed = command.kind === 'send-file' ? { ...command, complete } : command;
      const outcome = await engine.propose(encodeProposal({ numbering, actor: null, command: proposed }));
      return outcome.kind === 'applied' ? outcome.result : null;
    });
  }

  async send(file: TestFile, to: string): Promise<Result> {
    const { address, encoded, manifest, chunks, content } = file;
    for (;;) {
      const { missing } = await this.#anywhere(({ uploads }) => uploads.begin(this.account, encoded));
      for (const place of missing) {
        const chunk = chunks[place] ?? new Uint8Array(0);
        await this.#anywhere(async ({ uploads }) => {
          await uploads.put(this.account, address, place, chunk);
          return true;
        });
      }
      const described = { name: 'a', type: 'a/b', bytes: content.length, manifest: address };
      const sent = { kind: 'send-file', to, file: described, replyTo: null, complete: true } as const;
      const result = await this.change(sent);
      if (result.ok || result.code !== 'UPLOAD_INCOMPLETE' || manifest.chunks.length === 0) return result;
    }
  }

  async #anywhere<Value>(ask: (node: WholeNode) => Promise<Value | null>): Promise<Value> {
    for (;;) {
      const { nodes } = this.#cluster;
      const node = nodes[this.#random.below(Math.max(1, nodes.length))];
      const answer = node === undefined ? null : await this.#cluster.attempt(ask(node));
      if (answer !== null) return answer;
      await this.#cluster.pause(20);
    }
  }
}

/** Moves time until it is done. */
async function finish<Value>(cluster: WholeCluster, work: Promise<Value>): Promise<Value> {
  let done = false;
  const mark = (): void => {
    done = true;
  };
  work.then(mark, mark);
  await cluster.until('the work is done', () => done);
  return work;
}

function holdsAll(node: WholeNode, files: readonly TestFile[], cluster: WholeCluster): boolean {
  const held = new Set(
    cluster
      .machine(node.id)
      .disk.files()
      .map((path) => path.split('/').at(-1) ?? ''),
  );
  const wanted = files.flatMap(({ address, manifest }) => [address, ...manifest.chunks]);
  return wanted.every((address) => held.has(address));
}

t.test('files on engines: an upload goes on through the crash of the leader that took it', async (t) => {
  const cluster = await WholeCluster.led(3);
  t.teardown(() => cluster.stopAll());
  const sender = new Sender(cluster, seededRandom(1), 1);
  await finish(cluster, sender.join());
  const file = makeFile(3 * chunkBytes, 31);
  const leader = cluster.leader?.id ?? 0;
  const first = cluster.node(leader);
  if (first === undefined) throw new Error('nobody leads');
  await finish(cluster, first.uploads.begin(sender.account, file.encoded));
  await finish(
    cluster,
    first.uploads.put(sender.account, file.address, 0, file.chunks[0] ?? new Uint8Array(0)),
  );
  cluster.crash(leader);
  await cluster.until('another leader', () => cluster.leader !== null);
  const next = cluster.leader;
  const state = await finish(cluster, next?.uploads.begin(sender.account, file.encoded) ?? Promise.reject());
  t.strictSame(state.missing, [1, 2], 'what was acknowledged is held');
  const sent = await finish(cluster, sender.send(file, sender.name));
  t.ok(sent.ok);
  await cluster.start(leader);
  await cluster.until('the crashed node has all of it too', () =>
    cluster.nodes.every((node) => holdsAll(node, [file], cluster)),
  );
});

t.test(
  'files on engines: a disk that replaces another becomes a voter when it has every chunk, not before',
  async (t) => {
    const cluster = await WholeCluster.led(3);
    t.teardown(() => cluster.stopAll());
    const sender = new Sender(cluster, seededRandom(2), 1);
    await finish(cluster, sender.join());
    const file = makeFile(2 * chunkBytes, 32);
    t.ok((await finish(cluster, sender.send(file, sender.name))).ok);
    const place = cluster.leader?.id === 3 ? 2 : 3;
    cluster.crash(place);
    cluster.wipe(place);
    cluster.refusing.add(place);
    await cluster.start(place);
    const seen = () => cluster.leader?.engine.status().members.find(({ id }) => id === place);
    await cluster.until('it follows', () => seen()?.state === 'observer');
    const leader = cluster.leader?.engine;
    const replaced = await finish(
      cluster,
      leader?.changeMembers({ kind: 'replace', node: place }) ?? Promise.reject(),
    );
    t.equal(replaced.kind, 'done');
    await cluster.until('it has the log', () => seen()?.state === 'learner' && seen()?.lag === 0);
    await cluster.clock.advance(10_000);
    t.equal(seen()?.voter, false, 'it lacks the chunks');
    const asked = await finish(
      cluster,
      leader?.changeMembers({ kind: 'promote', node: place }) ?? Promise.reject(),
    );
    t.match(asked, { kind: 'refused', code: 'NOT_CAUGHT_UP' });
    cluster.refusing.delete(place);
    await cluster.until('it votes', () => seen()?.voter === true);
    const node = cluster.node(place);
    t.ok(node !== undefined && holdsAll(node, [file], cluster));
  },
);

for (let seed = 1; seed <= seeds; seed++) {
  t.test(`files on engines: crashes by chance, seed ${seed}`, async (t) => {
    const random = seededRandom(seed);
    const cluster = await WholeCluster.led(3, seed);
    t.teardown(() => cluster.stopAll());
    const senders = [1, 2].map((number) => new Sender(cluster, random, number));
    await finish(cluster, Promise.all(senders.map((sender) => sender.join())));
    const sent: TestFile[] = [];
    const work = senders.map(async (sender, at) => {
      for (let n = 0; n < 3; n++) {
        const file = makeFile(chunkBytes + 1 + random.below(chunkBytes), 100 * seed + 10 * at + n);
        const result = await sender.send(file, 'sender1');
        t.ok(result.ok, `file ${n} of ${sender.name}`);
        sent.push(file);
        const begun = makeFile(1_000 + n, 1_000 + 100 * seed + 10 * at + n);
        const [node] = cluster.nodes;
        if (node !== undefined) await cluster.attempt(node.uploads.begin(sender.account, begun.encoded));
      }
    });
    let working = true;
    const crashes = (async () => {
      while (working) {
        await cluster.pause(200 + random.below(2_000));
        const id = 1 + random.below(3);
        // A majority stays.
        if (cluster.nodes.length < 3) continue;
        const plan =
          random.below(2) === 0 ? ({ kind: 'synced-only' } as const) : ({ kind: 'random', random } as const);
        cluster.crash(id, plan);
        await cluster.pause(random.below(1_500));
        await cluster.start(id);
      }
    })();
    await finish(cluster, Promise.all(work));
    working = false;
    await finish(cluster, crashes);
    await cluster.until(
      'every node has all that was sent',
      () => cluster.nodes.length === 3 && cluster.nodes.every((node) => holdsAll(node, sent, cluster)),
    );
    const [one] = cluster.nodes;
    t.equal([...(one?.chat.files.referenced() ?? [])].length, sent.length, 'each file came once');
    for (const sender of senders) {
      for (const manifest of [...(one?.chat.files.leased() ?? [])]) {
        await finish(cluster, sender.change({ kind: 'cancel-upload', manifest }));
      }
    }
    for (const { files, engine } of cluster.nodes) {
      await finish(cluster, engine.barrier());
      await finish(cluster, files.collect());
    }
    await settle();
    const wanted = new Set(sent.flatMap(({ address, manifest }) => [address, ...manifest.chunks]));
    for (const { files, id } of cluster.nodes) {
      t.equal(files.status().chunks, wanted.size, `node ${id} keeps what is wanted and nothing else`);
    }
  });
}
