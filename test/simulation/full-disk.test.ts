/** Found by simulation: a disk that fails anywhere is told as one, so that whoever starts the node knows what to do. */
import t from 'tap';
import { noChanges } from '../../src/base/changes.ts';
import { CodedError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { openDataDirectory } from '../../src/replication/storage/data-directory.ts';
import { loadIdentity } from '../../src/replication/storage/identity.ts';
import { openState } from '../../src/store/state.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import { MachineDisk } from './disk.ts';
import { Host } from './host.ts';
import { levelsOn } from './level.ts';
import { World } from './world.ts';

const nothing = new Uint8Array();

interface Place {
  readonly machine: MachineDisk;
  readonly open: () => Promise<StateStore>;
  readonly disk: ReturnType<MachineDisk['attach']>;
  readonly host: Host;
}

function placeIn(world: World): Place {
  const machine = new MachineDisk(seededRandom(1));
  const host = new Host(world, 1, 'node 1', { wallSkewMs: 0, rate: 1 });
  const disk = machine.attach(host);
  const openLevel = levelsOn(machine, host, 'root');
  return { machine, disk, host, open: () => openState({ root: 'root', disk, clock: host.clock, openLevel }) };
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

/** A life of a node's directory, from the first start to a clean stop and another start, with a disk whose so-manieth write or sync fails. */
async function lifeWith(failing: number): Promise<{ readonly error: unknown; readonly calls: number }> {
  const world = new World();
  const { machine, disk, host } = placeIn(world);
  let calls = 0;
  const check = machine.check.bind(machine);
  machine.check = (bytes) => {
    if (calls++ === failing) machine.faults.failing = 1;
    check(bytes);
  };
  const openLevel = levelsOn(machine, host, 'root');
  const owner = { cluster: 'c', node: 1, random53: () => 7 };
  const options = { root: 'root', disk, clock: host.clock, openLevel, segmentBytes: 8_192, ...owner };
  const live = async (): Promise<void> => {
    for (const index of [1, 2]) {
      const { store, log } = await openDataDirectory(options);
      if (index === 1) await log.restart({ index: 0, term: 0, data: nothing }, false);
      await log.append({ hardState: null, entries: [{ index, term: 1, type: 'normal', data: nothing }] });
      // Zeros that could not be written ahead are told to the next append.
      await log.append({ hardState: { term: 1, vote: 0, commit: index }, entries: [] });
      store.stage({ index, term: 1, wallMs: 0, clusterMs: 0, engine: nothing }, noChanges);
      await log.seal();
      await store.close();
    }
  };
  try {
    await finish(world, live());
    return { error: null, calls };
  } catch (error) {
    return { error, calls };
  }
}

t.test('failing disk: wherever it fails, from the first start to a clean stop', async (t) => {
  const { error, calls } = await lifeWith(Number.POSITIVE_INFINITY);
  t.equal(error, null);
  t.ok(calls > 20, `${calls} writes and syncs`);
  for (let failing = 0; failing < calls; failing++) {
    const failed = await lifeWith(failing);
    const code = failed.error instanceof CodedError ? failed.error.code : failed.error;
    t.equal(code, 'DISK_FAILED', `write or sync ${failing}`);
  }
});
