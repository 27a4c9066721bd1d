import t from 'tap';
import { CodedError } from '../../../src/base/errors.ts';
import { ReadBarrier, staleMs } from '../../../src/gateway/reads/read-barrier.ts';
import { startNodes } from '../../support/gateway.ts';
import { NativeClient } from '../../support/native-client.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

t.test(
  'stale reads: answered and labelled while the node was sure of itself a moment ago, never before or for longer',
  async (t) => {
    const clock = new VirtualClock();
    let asked = 0;
    let majority = true;
    const barrier = new ReadBarrier(
      {
        barrier: async () => {
          asked += 1;
          await new Promise<void>((resolve) => clock.after(300, resolve));
          if (!majority) throw new CodedError('UNAVAILABLE');
        },
      },
      clock,
    );
    const pass = async (read: { readonly stale?: boolean }): Promise<string> => {
      const passing = barrier.passFor(read).then(
        () => 'passed',
        () => 'refused',
      );
      await clock.advance(300);
      return passing;
    };
    t.equal(await pass({ stale: true }), 'passed');
    t.equal(asked, 1, 'nothing was known yet');
    majority = false;
    t.equal(await pass({ stale: true }), 'passed');
    t.equal(asked, 1);
    t.equal(await pass({}), 'refused', 'who does not ask for it gets no stale answer');
    await clock.advance(staleMs);
    t.equal(
      await pass({ stale: true }),
      'refused',
      'it counts from the beginning of the last barrier that was passed',
    );
    t.equal(asked, 3);
  },
);

t.test('stale reads: over the native protocol, also of a conversation in parts', async (t) => {
  const { cluster, nodes, stop } = await startNodes(1);
  t.teardown(stop);
  const [one] = nodes;
  if (one === undefined) throw new Error('a node');
  const ann = await NativeClient.join(one.httpPort, 'ann');
  await ann.change({ op: 'send', to: 'ann', text: 'note' });
  const fresh = await ann.query({ op: 'users' });
  t.match(fresh, { ok: true, value: { users: [{ name: 'ann' }] } });
  t.notOk('stale' in fresh);
  cluster.majority = false;
  t.match(await ann.query({ op: 'users' }), { code: 'UNAVAILABLE' });
  t.match(await ann.query({ op: 'users', stale: true }), { ok: true, stale: true, value: fresh.value });
  const history = await ann.query({ op: 'history', with: 'ann', limit: 9, stale: true });
  t.match(history, { ok: true, stale: true, value: { messages: [{ text: 'note' }] } });
  t.match(await ann.query({ op: 'search', pattern: 'a', stale: 'yes' }), { code: 'BAD_REQUEST' });
  ann.destroy();
});
