import t from 'tap';
import { seededRandom } from '../../src/base/prng.ts';
import { Connector } from '../../src/client/connector.ts';
import type { ConnectorHost } from '../../src/client/connector-host.ts';
import type { Dialer, SocketListener } from '../../src/client/ports.ts';
import { ServerPool } from '../../src/client/server-pool.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const quiet: ConnectorHost = {
  hello: () => '{"op":"hello"}',
  logins: () => 0,
  welcomed: () => undefined,
  disconnected: () => undefined,
  received: () => undefined,
  sessionEnded: () => undefined,
  status: () => undefined,
  waitingSinceMs: () => null,
  isBusy: () => false,
  wake: () => undefined,
};

t.test('connector: what is due is done or put off, never asked for again at once', async (t) => {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const dialled: { readonly port: number; readonly listener: SocketListener }[] = [];
  const dialer: Dialer = {
    dial: ({ port }, listener) => {
      dialled.push({ port, listener });
      return { send: () => undefined, close: () => undefined };
    },
  };
  const addresses = [1, 2, 3].map((port) => ({ host: '127.0.0.1', port }));
  const connector = new Connector({ pool: new ServerPool(addresses, random), dialer, clock, random }, quiet);
  connector.start();
  const first = dialled[0];
  if (first === undefined) throw new Error('nobody was dialled');
  const nodes = addresses.map(({ host, port }) => ({ id: port, host, chatPort: port + 10, httpPort: port }));
  first.listener.opened();
  first.listener.received(
    JSON.stringify({
      ev: 'welcome',
      v: 1,
      node: first.port,
      leader: first.port,
      nodes,
      user: null,
      highest: 0,
    }),
  );
  t.ok(connector.isReady);
  first.listener.received('{"ev":"closing","code":"GOING_AWAY","text":"bye"}');
  // Both others refuse: the next search has to wait.
  for (let at = 1; at < dialled.length && at < 10; at++) dialled[at]?.listener.closed('refused');
  const before = dialled.length;
  connector.refresh();
  t.equal(dialled.length, before + 1, 'meanwhile the same node is dialled anew, and does not answer');
  for (let looks = 0; looks < 20; looks++) {
    const next = connector.work(false);
    if (next === null) break;
    t.ok(next > clock.monotonicMs(), 'the next look is later than this one');
    await clock.advance(Math.max(0, next - clock.monotonicMs()));
  }
  connector.close();
});
