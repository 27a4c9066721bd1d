import t from 'tap';
import { Compaction, type CompactionSettings } from '../../../src/replication/replica/compaction.ts';

const settings: CompactionSettings = { entries: 20, bytes: 1_000, keepEntries: 10 };

/** A log and a state of which a test says how far they are. */
class Place {
  first = 1;
  applied = 0;
  isSending = false;
  syncedIndex = 0;
  readonly cuts: number[] = [];
  readonly faults: unknown[] = [];
  #flushed: (() => void) | null = null;
  readonly compaction: Compaction;

  constructor(bytes = 0) {
    this.compaction = new Compaction(
      {
        settings,
        store: this,
        firstIndex: () => this.first,
        appliedIndex: () => this.applied,
        isSendingSnapshot: () => this.isSending,
        cut: async (index) => {
          this.cuts.push(index);
          this.first = index + 1;
        },
        fatal: (error) => this.faults.push(error),
      },
      bytes,
    );
  }

  flush(): Promise<void> {
    return new Promise((resolve) => {
      this.#flushed = resolve;
    });
  }

  get isFlushing(): boolean {
    return this.#flushed !== null;
  }

  async synced(index: number): Promise<void> {
    this.syncedIndex = index;
    this.#flushed?.();
    this.#flushed = null;
    // The cut follows in the same turn, after a few promises.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test('compaction: what is applied and not synced stays in the log', async (t) => {
  const place = new Place();
  place.applied = 30;
  place.compaction.check();
  t.ok(place.isFlushing);
  t.same(place.cuts, [], 'nothing is cut before the state is on disk');
  // Applied goes on while the state is written.
  place.applied = 60;
  await place.synced(30);
  t.same(place.cuts, [20], 'ten entries behind what is synced, wherever applied is by now');
});

t.test('compaction: a state that is behind its log cuts nothing', async (t) => {
  const place = new Place();
  place.first = 50;
  place.applied = 80;
  place.compaction.check();
  await place.synced(55);
  t.same(place.cuts, []);
  place.compaction.check();
  await place.synced(80);
  t.same(place.cuts, [70], 'the next one does');
});

t.test(
  'compaction: one at a time, when entries or bytes are reached, later while a copy is sent',
  async (t) => {
    const place = new Place();
    place.applied = 19;
    place.compaction.check();
    t.notOk(place.isFlushing, 'below both marks');
    place.compaction.appended(1_000);
    place.isSending = true;
    place.compaction.check();
    t.notOk(place.isFlushing, 'four times as much while a copy is sent');
    place.isSending = false;
    place.compaction.check();
    t.ok(place.isFlushing, 'by its bytes');
    place.applied = 100;
    await place.synced(19);
    t.same(place.cuts, [10], 'of a short log half is kept');
    place.applied = 29;
    place.compaction.check();
    t.notOk(place.isFlushing, 'its bytes are counted anew');
    t.same(place.faults, []);
  },
);

t.test('compaction: a log that cannot be cut is told', async (t) => {
  const faults: unknown[] = [];
  const compaction = new Compaction(
    {
      settings,
      store: { syncedIndex: 30, flush: async () => undefined },
      firstIndex: () => 1,
      appliedIndex: () => 30,
      isSendingSnapshot: () => false,
      cut: () => Promise.reject(new Error('no disk')),
      fatal: (error) => faults.push(error),
    },
    0,
  );
  compaction.check();
  await new Promise((resolve) => setImmediate(resolve));
  t.match(faults, [{ message: 'no disk' }]);
});
