/** The core and its log, without an engine around them. */
import t from 'tap';
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/prng.ts';
import { makeMessage } from '../../../src/raft/index.ts';
import { Driver, type DriverPorts } from '../../../src/replication/replica/driver.ts';
import type { LogStore } from '../../../src/wal/log-store.ts';
import { settle } from '../../support/virtual-clock.ts';

const ports: DriverPorts = {
  send: () => undefined,
  apply: () => undefined,
  reads: () => undefined,
  roleChanged: () => undefined,
  appended: () => undefined,
  install: async () => undefined,
  installed: async () => undefined,
  newestSnapshot: () => {
    throw new Error('not asked for');
  },
  wake: () => undefined,
  fatal: (error) => {
    throw error;
  },
};

/** A log that takes everything, and is cut only when it is told to. */
class HeldLog implements Pick<LogStore, 'append' | 'restart'> {
  readonly cuts: (() => void)[] = [];

  append(): Promise<void> {
    return Promise.resolve();
  }

  restart(): Promise<void> {
    return new Promise((resolve) => this.cuts.push(resolve));
  }
}

/** Of member 11 of 11 and 12, with entries 2 to 5 behind entry 1; they are known to be committed up to `commit`. */
function driverOn(log: HeldLog, commit: number, other: Partial<DriverPorts> = {}): Driver {
  const entries = [2, 3, 4, 5].map(
    (index) => ({ index, term: 1, type: 'normal', data: new Uint8Array(0) }) as const,
  );
  const voters = [11, 12];
  const confState = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  return new Driver(
    {
      member: 11,
      timings: { tickMs: 10, heartbeatTicks: 1, electionTicks: 10 },
      log: log as unknown as LogStore,
      random: seededRandom(1),
      logger: silentLogger,
      ports: { ...ports, ...other },
    },
    {
      hardState: { term: 1, vote: 11, commit },
      start: { index: 1, term: 1 },
      entries,
      confState,
      applied: commit,
    },
  );
}

t.test(
  'driver: of a commit index it keeps what is durable: it is what a change of members was noted by',
  async (t) => {
    const driver = driverOn(new HeldLog(), 2);
    driver.step(makeMessage('MsgHeartbeat', 11, 12, 1, { commit: 5 }));
    t.equal(driver.status().commit, 5);
    await driver.stop();
    t.strictSame(driver.kept().hardState, { term: 1, vote: 11, commit: 2 });
  },
);

t.test('driver: the log begins anew behind a copy of the state only when that is in force', async (t) => {
  const log = new HeldLog();
  let inForce: () => void = () => undefined;
  const install = (): Promise<void> =>
    new Promise((resolve) => {
      inForce = resolve;
    });
  const driver = driverOn(log, 5, { install });
  const voters = [11, 12];
  const confState = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const snapshot = { meta: { index: 9, term: 1, confState }, data: new Uint8Array(0) };
  driver.step(makeMessage('MsgSnap', 11, 12, 1, { snapshot }));
  driver.drain();
  await settle();
  t.equal(log.cuts.length, 0, 'a crash finds the state of before, and the log that goes with it');
  inForce();
  await settle();
  t.equal(log.cuts.length, 1);
  const stopping = driver.stop();
  log.cuts[0]?.();
  await stopping;
  t.equal(driver.kept().start.index, 9);
});

t.test('driver: it has stopped only when a cut of the log under way is done, and knows of it', async (t) => {
  const log = new HeldLog();
  const driver = driverOn(log, 5);
  void driver.compact(3, new Uint8Array(0));
  let stopped = false;
  const stopping = driver.stop().then(() => {
    stopped = true;
  });
  await settle();
  t.notOk(stopped, 'the log does not begin yet where it will');
  log.cuts[0]?.();
  await stopping;
  t.strictSame([driver.kept().start.index, driver.kept().entries.length], [3, 2]);
});
