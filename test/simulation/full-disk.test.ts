/** Found by simulation: a disk that fails anywhere is told as one, so that whoever starts the node knows what to do. */
import t from 'tap';
import { noChanges } from '../../src/base/changes.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { loadIdentity } from '../../src/replication/identity.ts';
import { openState } from '../../src/store/state.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import { MachineDisk } from './disk.ts';
import { Host } from './host.ts';
import { levelsOn } from './level.ts';
import { World } from './world.ts';

interface Place {
  readonly machine: MachineDisk;
  readonly open: () => Promise<StateStore>;
  readonly disk: ReturnType<MachineDisk['attach']>;
}

function placeIn(world: World): Place {
  const machine = new MachineDisk(seededRandom(1));
  const host = new Host(world, 1, 'node 1', { wallSkewMs: 0, rate: 1 });
  const disk = machine.attach(host);
  const openLevel = levelsOn(machine, host, 'root');
  return { machine, disk, open: () => openState({ root: 'root', disk, clock: host.clock, openLevel }) };
}

async function finish<Value>(world: World, promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined);
  await world.run(world.nowMs + 1_000);
  return promise;
}

t.test('full disk: under the install of a copy', async (t) => {
  const world = new World();
  const [from, to] = [placeIn(world), placeIn(world)];
  const source = await finish(world, from.open());
  const engine = new Uint8Array(5);
  source.stage({ index: 3, term: 1, wallMs: 0, clusterMs: 0, engine }, noChanges);
  const { chunks } = await finish(world, source.exportSnapshot());
  const store = await finish(world, to.open());
  const install = await finish(world, store.beginInstall());
  const copy = async (): Promise<void> => {
    for await (const chunk of chunks) await install.write(chunk);
  };
  await finish(world, copy());
  to.machine.faults.freeBytes = 10;
  await t.rejects(finish(world, install.commit()), { code: 'DISK_FAILED' });
});

t.test('full disk: under the identity', async (t) => {
  const world = new World();
  const { machine, disk } = placeIn(world);
  const owner = { cluster: 'c', node: 1, random53: () => 7 };
  const identity = await finish(world, loadIdentity(disk, owner));
  machine.faults.failing = 1;
  await t.rejects(finish(world, identity.markFounded()), { code: 'DISK_FAILED' });
});
