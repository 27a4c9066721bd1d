import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { silentLogger } from '../../src/base/logger.ts';
import { TransportSecurity } from '../../src/tls/transport-security.ts';
import { testKeys } from '../support/keys.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

t.test('certificates: new ones are taken up whole or not at all, and a failure is an alarm', async (t) => {
  const clock = new VirtualClock();
  const keys = await testKeys(t, { nowMs: clock.wallMs() });
  const { config, configPath } = keys;
  const security = await TransportSecurity.load({ config, configPath, node: 1, clock, logger: silentLogger });
  t.teardown(() => security.stop());
  const [server, peer] = [security.server, security.peer];
  if (server === null || peer === null) throw new Error('the production profile has both');
  let told = 0;
  server.onChange(() => {
    told += 1;
  });
  const before = server.current().cert;
  await keys.make({ mode: 'renew' });
  const renewed = await readFile(join(keys.directory, 'certificate.pem'), 'utf8');
  t.equal(server.current().cert, before, 'not before it is asked to');
  await security.reload();
  t.equal(server.current().cert, renewed);
  t.equal(told, 1);
  t.strictSame(security.alarms(), []);

  await keys.make({ mode: 'renew' });
  await rm(join(keys.directory, 'node-1.pem'));
  await security.reload();
  t.equal(server.current().cert, renewed, 'the server certificate was good, but is not taken alone');
  t.match(security.alarms(), [/^certificates not reloaded: TLS: .*node-1\.pem is missing/]);
  await keys.make({ mode: 'renew' });
  await security.reload();
  t.strictSame(security.alarms(), []);
  t.not(server.current().cert, renewed);
});

t.test(
  'certificates: an operator hears of the end of one a month before, in alarms and in the log',
  async (t) => {
    const clock = new VirtualClock();
    const keys = await testKeys(t, { nowMs: clock.wallMs(), validDays: 40 });
    const logged: string[] = [];
    const logger = { ...silentLogger, warn: (_: object, text: string) => void logged.push(text) };
    const { config, configPath } = keys;
    const security = await TransportSecurity.load({ config, configPath, node: 2, clock, logger });
    t.teardown(() => security.stop());
    t.strictSame(security.alarms(), []);
    t.equal(security.expiries().length, 3, 'of the ports, of the node, of the authority');
    await clock.advance(11 * 24 * 3_600_000);
    t.match(security.alarms(), [
      /^certificate certificate\.pem expires in 2[89] days .*--renew/,
      /^certificate node-2\.pem/,
    ]);
    t.match(logged, [/certificate\.pem/, /node-2\.pem/]);
    await keys.make({ mode: 'renew', validDays: 365, nowMs: clock.wallMs() });
    await security.reload();
    t.strictSame(security.alarms(), []);
  },
);

t.test(
  'certificates: the loopback demonstration needs none, and takes them where it is told to',
  async (t) => {
    const clock = new VirtualClock();
    const { config, configPath } = await testKeys(t, { nowMs: clock.wallMs() });
    const load = (more: object): Promise<TransportSecurity> =>
      TransportSecurity.load({
        config: { ...config, ...more },
        configPath,
        node: 1,
        clock,
        logger: silentLogger,
      });
    const demo = await load({ profile: 'loopback-demo' });
    t.strictSame([demo.server, demo.peer], [null, null]);
    const mixed = await load({ profile: 'loopback-demo', plainText: ['peer', 'chat'] });
    t.ok(mixed.server, 'the HTTP port has one');
    t.equal(mixed.peer, null);
  },
);
