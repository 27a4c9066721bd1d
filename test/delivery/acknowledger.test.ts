import t from 'tap';
import { type Acknowledgement, Acknowledger, acknowledgeMs } from '../../src/delivery/acknowledger.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

t.test('acknowledger: what was said goes out together, once, and again when it was refused', async (t) => {
  const clock = new VirtualClock();
  const proposed: Acknowledgement[] = [];
  let works = false;
  const acknowledger = new Acknowledger(clock, async (said) => {
    proposed.push(said);
    return works;
  });
  acknowledger.acknowledge(1, 'd:1:2', 5);
  acknowledger.acknowledge(1, 'd:1:2', 3);
  acknowledger.acknowledge(1, 'd:1:2', 5);
  acknowledger.acknowledge(1, 'lobby', 5);
  acknowledger.confirm(2, 7);
  const said: Acknowledgement = {
    messages: [
      { account: 1, conversation: 'd:1:2', sequence: 5 },
      { account: 1, conversation: 'd:1:2', sequence: 3 },
    ],
    receipts: [{ account: 2, number: 7 }],
  };
  t.same(proposed, []);
  await clock.advance(acknowledgeMs);
  t.same(proposed, [said]);
  t.ok(acknowledger.isAcknowledged(1, 'd:1:2', 3), 'known here although refused');
  t.ok(acknowledger.isConfirmed(2, 7));
  t.notOk(acknowledger.isConfirmed(2, 8));
  works = true;
  await clock.advance(acknowledgeMs);
  t.same(proposed, [said, said]);
  t.notOk(acknowledger.isAcknowledged(1, 'd:1:2', 3), 'the state knows it now');
  await clock.advance(10 * acknowledgeMs);
  t.equal(proposed.length, 2);
});
