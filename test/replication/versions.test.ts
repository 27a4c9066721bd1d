/** Nodes of several versions in one cluster. The other versions are those of `support/other-version.ts`. */
import t, { type Test } from 'tap';
import { spokenVersion } from '../../src/replication/formats/versions.ts';
import { programOf } from './support/other-version.ts';
import { TestCluster } from './support/test-cluster.ts';

const compaction = { entries: 64, bytes: 1_000_000, keepEntries: 8 };

/** A led cluster, node N running the version that stands at N - 1. */
async function ledOf(versions: readonly number[], raiseAfterMs?: number): Promise<TestCluster> {
  const cluster = new TestCluster(versions.length, { compaction });
  versions.forEach((version, at) => {
    cluster.programs.set(at + 1, programOf(version, raiseAfterMs));
  });
  for (const id of cluster.ids) await cluster.start(id);
  await cluster.until('a leader', () => cluster.leader !== null);
  return cluster;
}

async function sayAll(
  t: Test,
  cluster: TestCluster,
  text: string,
  ids = cluster.nodes.map(({ id }) => id),
): Promise<readonly string[]> {
  for (const id of ids) {
    t.match(await cluster.propose(id, `${text} by ${id}`), { kind: 'applied' }, `${text} by ${id}`);
  }
  return ids.map((id) => `${text} by ${id}`);
}

/** The versions of the frames on each way, "from>to", from now on. */
function watchVersions({ network }: TestCluster): ReadonlyMap<string, ReadonlySet<number>> {
  const seen = new Map<string, Set<number>>();
  network.filter = (from, to, _lane, frame) => {
    const versions = seen.get(`${from}>${to}`) ?? new Set();
    seen.set(`${from}>${to}`, versions.add(frame[0] ?? 0));
    return true;
  };
  return seen;
}

async function allHave(t: Test, cluster: TestCluster, texts: readonly string[]): Promise<void> {
  await cluster.converge();
  for (const { id, machine } of cluster.nodes) t.strictSame(machine.texts, texts, `node ${id}`);
}

t.test('versions: the newest that both know is spoken, and two apart is too far', (t) => {
  t.equal(spokenVersion({ oldest: 1, newest: 1 }, { oldest: 1, newest: 2 }), 1);
  t.equal(spokenVersion({ oldest: 2, newest: 3 }, { oldest: 1, newest: 2 }), 2);
  t.equal(spokenVersion({ oldest: 2, newest: 3 }, { oldest: 2, newest: 3 }), 3);
  t.equal(spokenVersion({ oldest: 1, newest: 1 }, { oldest: 2, newest: 3 }), null);
  t.equal(spokenVersion({ oldest: 3, newest: 4 }, { oldest: 1, newest: 2 }), null);
  t.end();
});

for (const versions of [
  [1, 2, 2],
  [2, 1, 1],
  [3, 2, 3],
]) {
  t.test(`versions: ${versions.join(', ')} elect, replicate, forward and read together`, async (t) => {
    const cluster = await ledOf(versions);
    const seen = watchVersions(cluster);
    const said = [...(await sayAll(t, cluster, 'hello'))];
    for (const id of cluster.ids) {
      // Whoever leads, there is a link between two versions in it.
      cluster.crash(cluster.led.id);
      await cluster.until('another leader', () => cluster.leader !== null);
      await cluster.finish(cluster.led.engine.barrier());
      said.push(...(await sayAll(t, cluster, `after crash ${id}`)));
      const gone = cluster.ids.find((other) => !cluster.nodes.some((node) => node.id === other)) ?? 0;
      await cluster.start(gone);
    }
    for (const { engine } of cluster.nodes) await cluster.finish(engine.barrier());
    await allHave(t, cluster, said);
    for (const [way, spoken] of seen) {
      const ends = way.split('>').map((id) => versions[Number(id) - 1] ?? 0);
      t.same([...spoken], [Math.min(...ends)], `${way} between versions ${ends.join(' and ')}`);
    }
    await cluster.stopAll();
  });
}

for (const [from, to] of [
  [1, 2],
  [2, 1],
]) {
  t.test(`versions: a copy of the state goes from version ${from} to version ${to}`, async (t) => {
    const cluster = await ledOf([from ?? 0, from ?? 0, to ?? 0]);
    const said = [...(await sayAll(t, cluster, 'before'))];
    cluster.crash(3);
    await cluster.until('a leader', () => cluster.leader !== null);
    for (let i = 0; i < 100; i++) said.push(...(await sayAll(t, cluster, `m${i}`)));
    const late = await cluster.start(3);
    await allHave(t, cluster, said);
    t.ok(late.resets.length > 0, 'by a copy, not by entries');
    await cluster.stopAll();
  });
}

t.test('versions: a rolling restart to the next version, and back, with nothing lost', async (t) => {
  const cluster = await ledOf([1, 1, 1]);
  const said: string[] = [];
  for (const version of [2, 1, 2]) {
    for (const id of cluster.ids) {
      const others = cluster.ids.filter((other) => other !== id);
      const waiting = others.map((other) => {
        said.push(`${other} while ${id} becomes ${version}`);
        return cluster.node(other).engine.propose(Buffer.from(said.at(-1) ?? ''));
      });
      await cluster.stop(id);
      cluster.programs.set(id, programOf(version));
      await cluster.start(id);
      const outcomes = await cluster.finish(Promise.all(waiting));
      t.ok(outcomes.every(({ kind }) => kind === 'applied'));
      await cluster.until('a leader', () => cluster.leader !== null);
      said.push(...(await sayAll(t, cluster, `${id} is ${version}`)));
    }
  }
  await cluster.converge();
  for (const { machine } of cluster.nodes) t.strictSame(machine.texts.toSorted(), said.toSorted());
  await cluster.stopAll();
});

t.test('versions: a node that is two apart has no part in it, and does no harm', async (t) => {
  const cluster = await ledOf([1, 1, 1]);
  await cluster.stop(3);
  cluster.programs.set(3, programOf(3));
  const stranger = await cluster.start(3);
  const said = [...(await sayAll(t, cluster, 'without', [1, 2]))];
  t.strictSame(
    stranger.engine.status().members.map(({ reachable }) => reachable),
    [false, false, true],
  );
  await cluster.stop(3);
  cluster.programs.set(3, programOf(2));
  await cluster.start(3);
  await allHave(t, cluster, said);
  await cluster.stopAll();
});

t.test('format: newer commands wait until every member has known them for a while', async (t) => {
  const cluster = await ledOf([2, 2, 1], 500);
  const propose = (id: number, text: string, format: number) =>
    cluster.finish(cluster.node(id).engine.propose(Buffer.from(text), format));
  await cluster.clock.advance(2_000);
  t.same(await propose(1, 'too early', 2), { kind: 'refused', code: 'UNAVAILABLE' });
  t.match(await propose(1, 'as ever', 1), { kind: 'applied' });
  await cluster.stop(3);
  await cluster.clock.advance(2_000);
  t.same(await propose(1, 'one is away', 2), { kind: 'refused', code: 'UNAVAILABLE' });
  cluster.programs.set(3, programOf(2, 500));
  await cluster.start(3);
  t.equal(cluster.node(1).engine.status().format, 1, 'not at once: it can still be taken back');
  await cluster.until('all may use the newer format', () =>
    cluster.nodes.every(({ engine }) => engine.status().format === 2),
  );
  for (const id of cluster.ids) t.match(await propose(id, `new by ${id}`, 2), { kind: 'applied' });
  await allHave(t, cluster, ['as ever', 'new by 1', 'new by 2', 'new by 3']);
  await cluster.stop(2);
  cluster.programs.set(2, programOf(1));
  await t.rejects(cluster.start(2), { code: 'DATA_NEWER', message: /version 2.*knows version 1/ });
  await cluster.stopAll();
});

t.test('format: a cluster begins with the newest one that all its founders know', async (t) => {
  for (const [versions, format] of [
    [[2, 2, 2], 2],
    [[2, 1, 2], 1],
    [[1, 2, 2], 1],
  ] as const) {
    const cluster = await ledOf(versions);
    await cluster.converge();
    for (const { engine } of cluster.nodes) t.equal(engine.status().format, format, versions.join());
    await cluster.stopAll();
  }
});

t.test('format: what was agreed on holds after a restart of all, and is told by a copy', async (t) => {
  const cluster = await ledOf([2, 2, 2], 0);
  const agreed = () => cluster.nodes.every(({ engine }) => engine.status().format === 2);
  await cluster.until('the newer format', agreed);
  cluster.crash(3);
  await cluster.until('a leader', () => cluster.leader !== null);
  for (let i = 0; i < 200; i++) await cluster.propose(1, `m${i}`);
  cluster.wipe(3);
  const fresh = await cluster.start(3);
  await cluster.until('the copy', () => fresh.resets.length > 0);
  await cluster.converge();
  t.ok(agreed(), 'the new disk knows');
  for (const id of cluster.ids) cluster.crash(id);
  for (const id of cluster.ids) await cluster.start(id);
  await cluster.until('a leader', () => cluster.leader !== null);
  t.ok(agreed());
  await cluster.stopAll();
});
