/** Scenarios that need whole engines; the others stand at lower levels. The table of all is in test/README.md. */
import t from 'tap';
import { CodedError } from '../../src/base/errors.ts';
import { type Random, seededRandom } from '../../src/base/prng.ts';
import type { ChangeOutcome } from '../../src/replication/ports/engine.ts';
import { TestCluster } from './support/test-cluster.ts';

const small = { compaction: { entries: 150, bytes: 1_000_000, keepEntries: 20 } };

type Damage = (content: Uint8Array, random: Random) => Uint8Array;

const damages: Readonly<Record<string, Damage>> = {
  'a torn tail': (content, random) => content.slice(0, random.below(content.length)),
  'a flipped bit': (content, random) => {
    const flipped = content.slice();
    const at = random.below(flipped.length);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << random.below(8));
    return flipped;
  },
};

for (const [name, damage] of Object.entries(damages)) {
  t.test(
    `scenario 6: ${name} on a minority is detected, repaired or refused; that node never wins and deletes`,
    async (t) => {
      const outcomes = { started: 0, refused: 0 };
      for (let seed = 1; seed <= 14; seed++) {
        const random = seededRandom(seed);
        const cluster = await TestCluster.led(3, small, seed);
        const texts = Array.from({ length: 60 }, (_, i) => `m${i}`);
        for (const text of texts) t.match(await cluster.propose(1, text), { kind: 'applied' });
        await cluster.converge();
        const victim = 1 + random.below(3);
        if (random.below(2) === 0) await cluster.stop(victim);
        else cluster.crash(victim, { kind: 'random', random });
        const { disk } = cluster.machineOf(victim);
        const files = disk
          .files()
          .filter((path) => path.startsWith('wal/') && disk.contentOf(path).length > 0);
        const path = files[random.below(files.length)] ?? '';
        disk.plant(path, damage(disk.contentOf(path), random));
        const refusal = await cluster.start(victim).then(
          () => null,
          (error: unknown) => error,
        );
        if (refusal === null) outcomes.started++;
        else outcomes.refused++;
        if (refusal !== null) t.equal(refusal instanceof CodedError && refusal.code, 'DATA_DAMAGED', path);
        // Whoever it is that the others are without now: if the damaged node could win, it would.
        const other = cluster.nodes.find(({ id }) => id !== victim)?.id ?? 0;
        if (refusal === null) cluster.crash(other);
        await cluster.until(`a leader, seed ${seed}`, () => cluster.leader !== null);
        await cluster.finish(cluster.led.engine.barrier());
        await cluster.propose(cluster.led.id, 'after');
        if (refusal === null) await cluster.start(other);
        await cluster.converge();
        for (const { id, machine } of cluster.nodes) {
          t.strictSame(machine.texts, [...texts, 'after'], `node ${id}, seed ${seed}, ${path}`);
        }
        await cluster.stopAll();
      }
      t.ok(outcomes.started > 0 && outcomes.refused > 0, JSON.stringify(outcomes));
    },
  );
}

t.test(
  'scenario 11: membership change, kills and partition together under load: no acknowledged loss',
  async (t) => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed);
      const cluster = await TestCluster.led(4, small, seed);
      const acknowledged: string[] = [];
      let count = 0;
      const load = (): void => {
        const node = cluster.nodes[random.below(cluster.nodes.length)];
        if (node === undefined) return;
        const text = `p${count++}`;
        node.engine.propose(Buffer.from(text)).then(({ kind }) => {
          if (kind === 'applied' && node.clock.alive) acknowledged.push(text);
        });
      };
      const changes: Promise<ChangeOutcome>[] = [];
      let down: number | null = null;
      for (let step = 0; step < 60; step++) {
        for (let sends = random.below(8); sends > 0; sends--) load();
        const id = 1 + random.below(4);
        switch (random.below(6)) {
          case 0:
            if (down === null) {
              cluster.crash(id);
              down = id;
            }
            break;
          case 1:
            if (down !== null) await cluster.finish(cluster.start(down));
            down = null;
            break;
          case 2:
            if (id !== down) cluster.network.isolate(id, random.below(2) === 0 ? 'cut' : 'silent');
            break;
          case 3:
            changes.push(changeSomething(cluster, random));
            break;
          default:
            for (const each of cluster.ids) if (each !== down) cluster.network.heal(each);
        }
        await cluster.clock.advance(random.below(60));
      }
      for (const each of cluster.ids) cluster.network.heal(each);
      if (down !== null) await cluster.start(down);
      await cluster.finish(Promise.all(changes));
      await cluster.until(`a leader, seed ${seed}`, () => cluster.leader !== null);
      await cluster.finish(cluster.led.engine.barrier());
      const texts = new Set(cluster.led.machine.texts);
      const lost = acknowledged.filter((text) => !texts.has(text));
      t.strictSame(lost, [], `seed ${seed}: of ${acknowledged.length} acknowledged`);
      t.equal(texts.size, cluster.led.machine.texts.length, 'and nothing twice');
      t.ok(acknowledged.length > 50, `${acknowledged.length} were acknowledged`);
      await cluster.stopAll();
    }
  },
);

/** One step of turning node 4 into a learner that is replaced, and back: what is refused is without effect. */
function changeSomething(cluster: TestCluster, random: Random): Promise<ChangeOutcome> {
  const on = cluster.nodes[random.below(cluster.nodes.length)];
  if (on === undefined) return Promise.resolve({ kind: 'unknown' });
  const heir = 1 + random.below(4);
  if (random.below(3) === 0) return on.engine.transferLeader(heir);
  return on.engine.changeMembers({ kind: random.below(2) === 0 ? 'replace' : 'promote', node: heir });
}

t.test('scenario 13: a read waits until this node has applied what the read index covers', async (t) => {
  const cluster = await TestCluster.led(3);
  const [follower] = cluster.followers;
  if (follower === undefined) throw new Error('no follower');
  const { led } = cluster;
  // Heartbeats and read indexes pass, entries do not.
  cluster.network.filter = (from, to, lane) => !(from === led.id && to === follower.id && lane === 'bulk');
  t.match(await cluster.propose(led.id, 'x'), { kind: 'applied' });
  let read = false;
  const reading = follower.engine.barrier().then(() => {
    read = true;
  });
  await cluster.clock.advance(500);
  t.equal(read, false, 'it knows that there is something to be read, and has not applied it');
  t.strictSame(follower.machine.texts, []);
  cluster.network.filter = () => true;
  await cluster.finish(reading);
  t.strictSame(follower.machine.texts, ['x']);
  await cluster.stopAll();
});
