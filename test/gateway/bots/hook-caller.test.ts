/** Where webhooks go, and where they do not (SECURITY: server-side requests). */
import type { lookup } from 'node:dns';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { systemClock } from '../../../src/base/system-clock.ts';
import { HttpHookCaller } from '../../../src/gateway/bots/hook-caller.ts';
import { isPublicAddress, urlFault } from '../../../src/gateway/requests/hook-address.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { Receiver } from './support/programs.ts';

t.test('addresses: only those that are reachable from everywhere are public', async (t) => {
  const hidden = [
    ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
    ...['192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1'],
    ...['::ffff:8.8.8.8', '64:ff9b::7f00:1', 'fc00::1', 'fd12::1', 'fe80::1', 'ff02::1', '2002:7f00:1::'],
    ...['2001:db8::1', '2001::1', 'localhost', ''],
  ];
  for (const address of hidden) t.equal(isPublicAddress(address), false, address);
  for (const address of ['8.8.8.8', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '2a00:1450::1']) {
    t.equal(isPublicAddress(address), true, address);
  }
});

t.test('addresses: a URL that names what it must not is refused, in any spelling', async (t) => {
  const strict = { allowPrivate: false };
  const refused = [
    ...['https://127.0.0.1/', 'https://2130706433/', 'https://0x7f.1/', 'https://017700000001/'],
    ...['https://[::1]/', 'https://[::ffff:7f00:1]/', 'https://localhost/', 'https://a.localhost:8080/'],
    ...['http://example.com/', 'https://10.0.0.1:8443/x', 'file:///etc/passwd', 'https://u@example.com/'],
  ];
  for (const url of refused) t.type(urlFault(url, strict), 'string', url);
  t.equal(urlFault('https://example.com:8443/hook?x=1', strict), null);
  t.equal(urlFault('http://127.0.0.1:1234/', { allowPrivate: true }), null);
});

/** A name that leads where the test says; how often it was asked. */
function resolving(...answers: readonly string[][]) {
  let asked = 0;
  const resolve = ((_name: string, _options: unknown, callback: (error: null, found: unknown) => void) => {
    const addresses = answers[Math.min(asked, answers.length - 1)] ?? [];
    asked += 1;
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as typeof lookup;
  return { resolve, times: () => asked };
}

const open = new AbortController().signal;
const hookCall = (url: string) => ({ url, headers: { 'content-type': 'application/json' }, body: '{}' });

t.test('caller: a name that leads to a private address is not called', async (t) => {
  const { resolve, times } = resolving(['127.0.0.1', '::1']);
  const caller = new HttpHookCaller(systemClock, { allowPrivate: false }, resolve);
  const answer = await caller.call(hookCall('https://rebinding.example/'), open);
  t.same(answer, { kind: 'failed', fault: 'no public address' });
  t.equal(times(), 1);
});

t.test(
  'caller: it connects to the address that was looked at; what the name says later does not count',
  async (t) => {
    const receiver = await Receiver.open();
    const { resolve, times } = resolving(['127.0.0.1'], ['192.0.2.1']);
    const caller = new HttpHookCaller(systemClock, { allowPrivate: true }, resolve);
    const url = receiver.url.replace('127.0.0.1', 'name.example');
    t.same(await caller.call(hookCall(url), open), { kind: 'answered', status: 204 });
    t.equal(times(), 1, 'the name was asked for once');
    await receiver.close();
  },
);

t.test('caller: a redirect is an answer, and is not followed', async (t) => {
  const receiver = await Receiver.open();
  receiver.answer = () => 302;
  const caller = new HttpHookCaller(systemClock, { allowPrivate: true });
  t.same(await caller.call(hookCall(receiver.url), open), { kind: 'answered', status: 302 });
  t.equal(receiver.received.length, 1);
  await receiver.close();
});

t.test(
  'caller: of an answer without an end the status counts; one that does not come is given up',
  async (t) => {
    const server = createServer((request, response) => {
      if (request.url === '/silent') return;
      response.writeHead(200);
      const pour = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(pour));
      };
      pour();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.closeAllConnections());
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const caller = new HttpHookCaller(systemClock, { allowPrivate: true });
    t.same(await caller.call(hookCall(`${address}/endless`), open), { kind: 'answered', status: 200 });
    const clock = new VirtualClock();
    const silent = new HttpHookCaller(clock, { allowPrivate: true }).call(
      hookCall(`${address}/silent`),
      open,
    );
    await clock.advance(10_000);
    t.same(await silent, { kind: 'failed', fault: 'no answer in time' });
    const abort = new AbortController();
    const given = caller.call(hookCall(`${address}/silent`), abort.signal);
    abort.abort();
    t.match(await given, { kind: 'failed' });
    server.close();
  },
);
