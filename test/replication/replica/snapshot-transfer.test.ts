import t from 'tap';
import { silentLogger } from '../../../src/base/logger.ts';
import { makeMessage } from '../../../src/raft/index.ts';
import { encodeMark, snapshotRequest } from '../../../src/replication/formats/peer-frames.ts';
import {
  fetchCopy,
  SnapshotReceiver,
  SnapshotSender,
} from '../../../src/replication/replica/snapshot-transfer.ts';
import type { AppliedMark, StateStore } from '../../../src/store/state-store.ts';
import { changes, memoryLevel, rowsOf } from '../../store/support/backends.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const mark: AppliedMark = { index: 9, term: 2, wallMs: 0, clusterMs: 0, engine: new Uint8Array(0) };
const reader = { node: 2, incarnation: 22 };

t.test(
  'snapshot sender: a copy is let go whenever its reader stops, also after the mark alone',
  async (t) => {
    for (const chunksRead of [0, 1, 2, 9]) {
      let ended = 0;
      const chunks = {
        [Symbol.asyncIterator]: () => {
          let left = 3;
          return {
            next: async () =>
              left-- > 0
                ? { done: false as const, value: new Uint8Array(1) }
                : { done: true as const, value: undefined },
            return: async () => {
              ended++;
              return { done: true as const, value: undefined };
            },
          };
        },
      };
      const failed: number[] = [];
      const sender = new SnapshotSender({
        store: { exportSnapshot: async () => ({ mark, chunks }) } as unknown as StateStore,
        clock: new VirtualClock(),
        isAwaited: () => true,
        failed: (member) => failed.push(member),
      });
      const stream = sender.serve(reader, snapshotRequest);
      for (let i = 0; i < 1 + chunksRead; i++) await stream.next();
      await stream.return(undefined);
      t.equal(ended, 1, `${chunksRead} chunks read`);
      t.same(failed, chunksRead === 9 ? [] : [reader.incarnation]);
    }
  },
);

t.test('snapshot receiver: a copy that ends early is no copy, however it ends', async (t) => {
  const source = memoryLevel.make(t);
  const from = await source.open();
  from.stage(mark, changes({ a: '1', b: 'x'.repeat(200_000) }));
  await from.flush(true);
  const frames: Uint8Array[] = [];
  for await (const frame of (await from.exportSnapshot()).chunks) frames.push(frame);
  const store = await memoryLevel.make(t).open();

  for (let count = 0; count <= frames.length; count++) {
    const sent = [encodeMark(mark), ...frames.slice(0, count)];
    const transport = {
      openStream: async () => {
        return (async function* () {
          yield* sent;
        })();
      },
    };
    const fetching = fetchCopy({ transport, store }, 2, () => true);
    if (count < frames.length) {
      await t.rejects(fetching, { code: 'UNAVAILABLE' }, `${count} of ${frames.length} frames`);
      continue;
    }
    const copy = await fetching;
    t.strictSame(await copy?.install.commit(), mark, 'nothing of the earlier ones is in the way');
  }
  t.strictSame(await rowsOf(store), await rowsOf(from));
  await Promise.all([from.close(), store.close()]);
});

t.test('snapshot receiver: nothing is fetched while a copy is being put in force', async (t) => {
  const store = await memoryLevel.make(t).open();
  let [asked, isInstalling] = [0, true];
  const receiver = new SnapshotReceiver({
    transport: {
      openStream: () => {
        asked++;
        return Promise.reject(new Error('none here'));
      },
    },
    store,
    logger: silentLogger,
    appliedIndex: () => 0,
    isInstalling: () => isInstalling,
    step: () => false,
  });
  const note = makeMessage('MsgSnap', 11, 22, 1);
  receiver.announced(note, 1);
  t.equal(asked, 0);
  isInstalling = false;
  receiver.announced(note, 1);
  t.equal(asked, 1, 'the leader says it again');
  await settle();
  await store.close();
});
