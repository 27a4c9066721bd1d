import t from 'tap';
import { snapshotRequest } from '../../../src/replication/formats/peer-frames.ts';
import { SnapshotSender } from '../../../src/replication/replica/snapshot-transfer.ts';
import type { AppliedMark, StateStore } from '../../../src/store/state-store.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

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
