import t from 'tap';
import { type HardState, makeMessage } from '../../../src/raft/index.ts';
import { WrittenState } from '../../../src/replication/replica/written-state.ts';

const found: HardState = { term: 3, vote: 0, commit: 7 };
const data = new Uint8Array(0);
const entries = [{ index: 8, term: 3, type: 'normal', data }] as const;
const append = (fields: Partial<HardState>, more = {}) =>
  makeMessage('MsgStorageAppend', 1, 1, fields.term ?? 0, { ...fields, ...more });

t.test('written state: a vote in a term that is on disk already is written before it is told', async (t) => {
  const state = new WrittenState(found);
  t.same(state.next(append({ term: 3, vote: 12, commit: 7 })), { term: 3, vote: 12, commit: 7 });
  t.equal(state.next(append({ term: 3, vote: 12, commit: 7 })), null, 'once');
});

t.test(
  'written state: a term without a vote is written, and takes the vote of the one before back',
  async (t) => {
    const state = new WrittenState({ ...found, vote: 12 });
    t.same(state.next(append({ term: 4, vote: 0, commit: 7 })), { term: 4, vote: 0, commit: 7 });
  },
);

t.test('written state: a commit index travels with what is written anyway', async (t) => {
  const state = new WrittenState(found);
  t.equal(state.next(append({ term: 3, vote: 0, commit: 9 })), null);
  t.same(state.next(append({}, { entries })), { term: 3, vote: 0, commit: 9 });
  t.equal(state.next(append({}, { entries })), null, 'and only when there is a newer one');
});
