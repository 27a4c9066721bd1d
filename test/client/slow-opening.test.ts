/** Connections that take their time to open, as TLS handshakes do on a busy machine, and those that never will. */
import t from 'tap';
import { seededRandom } from '../../src/base/prng.ts';
import { Client } from '../../src/client/client.ts';
import type { Dialer } from '../../src/client/ports.ts';
import { timings } from '../../src/client/timings.ts';
import { VirtualClock } from '../support/virtual-clock.ts';
import { countingSecrets, FakeCluster } from './fake-cluster.ts';

interface World {
  readonly clock: VirtualClock;
  readonly cluster: FakeCluster;
  readonly client: Client;
  readonly kinds: string[];
}

/** `openMs`: what the dialer asks for; each connection opens `slowMs` after it was dialled. */
function world(slowMs: number, openMs: number | undefined): World {
  const clock = new VirtualClock();
  const cluster = new FakeCluster(clock, 3);
  const dialer: Dialer = {
    ...(openMs === undefined ? {} : { openMs }),
    dial: (address, listener) =>
      cluster.dial(address, {
        opened: () => void clock.after(slowMs, () => listener.opened()),
        received: (text) => listener.received(text),
        closed: (reason) => listener.closed(reason),
      }),
  };
  const random = seededRandom(7);
  const kinds: string[] = [];
  const client = new Client({
    nodes: cluster.addresses,
    clock,
    random,
    dialer,
    secrets: countingSecrets(),
    onStatus: ({ kind }) => kinds.push(kind),
  });
  return { clock, cluster, client, kinds };
}

t.test(
  'client: a connection that needs longer than a node to be reached is waited for where its dialer says so',
  async (t) => {
    const slowMs = 2 * timings.dialMs;
    const patient = world(slowMs, timings.secureDialMs);
    t.teardown(() => patient.client.close());
    await patient.clock.advance(slowMs + 100);
    t.strictSame(patient.kinds.slice(0, 2), ['connecting', 'connected'], 'by the first attempt');

    const hasty = world(slowMs, undefined);
    t.teardown(() => hasty.client.close());
    await hasty.clock.advance(10 * slowMs);
    t.notOk(hasty.kinds.includes('connected'));
    t.ok(hasty.cluster.dialled.length > 3, 'attempt after attempt was given up');
  },
);

t.test('client: a patient dialer is not waited for without end', async (t) => {
  const { clock, cluster, client } = world(10 * timings.secureDialMs, timings.secureDialMs);
  t.teardown(() => client.close());
  await clock.advance(timings.secureDialMs - 1);
  t.equal(cluster.dialled.length, 1);
  await clock.advance(100);
  t.equal(cluster.dialled.length, 2, 'then another node is tried');
});
