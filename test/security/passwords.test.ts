/** SECURITY of passwords: what is taken, how it is kept, what a login costs. docs/security.md names these tests by number. */
import { readFileSync } from 'node:fs';
import argon2 from 'argon2';
import t from 'tap';
import { parseConfig } from '../../src/base/config.ts';
import { limits } from '../../src/base/limits.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/system-clock.ts';
import { policyOf } from '../../src/gateway/requests/policy.ts';
import { ChildHasher } from '../../src/gateway/secrets/hasher.ts';
import { hashOptions, isOutdated } from '../../src/gateway/secrets/hasher-messages.ts';
import { normalisedPassword, weaknessOf } from '../../src/gateway/secrets/passwords.ts';
import { startNodes, until } from '../support/gateway.ts';
import { NativeClient, newSession } from '../support/native-client.ts';

const { nodes, stop } = await startNodes(2, { profile: 'production', registration: 'open' });
t.teardown(stop);
const [one, two] = nodes;
if (one === undefined || two === undefined) throw new Error('two nodes');

const nobody = { name: 'ann' };
const { passwords: rules } = policyOf(
  parseConfig('{"nodes":[{"id":1,"host":"h","peerPort":1,"chatPort":2,"httpPort":3}]}'),
);

async function register(user: string, password: string): Promise<Record<string, unknown>> {
  const client = await NativeClient.greet(one?.httpPort ?? 0, newSession());
  const reply = await client.change({ op: 'register', user, password });
  client.destroy();
  return reply;
}

async function login(user: string, password: string): Promise<Record<string, unknown>> {
  const client = await NativeClient.greet(two?.httpPort ?? 0, newSession());
  const reply = await client.change({ op: 'login', user, password });
  client.destroy();
  return reply;
}

t.test('passwords: shorter than 8 characters is WEAK_PASSWORD', async (t) => {
  t.match(await register('short', 'seven77'), { code: 'WEAK_PASSWORD', text: /at least 8 characters/ });
  t.match(await register('short', '💬💬💬💬'), { code: 'WEAK_PASSWORD' }, 'characters, not UTF-16 units');
  t.match(await register('short', 'eight888'), { ok: true });
});

t.test(
  'passwords: a passphrase of 64 Unicode characters is accepted, in either form of normalisation',
  async (t) => {
    const phrase = 'é'.repeat(63).concat('💬');
    t.equal([...phrase].length, 64);
    t.match(await register('uni', phrase.normalize('NFC')), { ok: true });
    t.match(await login('uni', phrase.normalize('NFD')), { ok: true });
  },
);

t.test('passwords: over 1,024 bytes is TOO_LONG before anything is hashed', async (t) => {
  const before = [one, two].map(({ hasher }) => hasher.hashes + hasher.verifications);
  t.match(await register('long', 'x'.repeat(limits.passwordBytes + 1)), { code: 'TOO_LONG' });
  t.match(await login('long', 'é'.repeat(limits.passwordBytes / 2 + 1)), { code: 'TOO_LONG' });
  t.same(
    [one, two].map(({ hasher }) => hasher.hashes + hasher.verifications),
    before,
  );
  t.equal(normalisedPassword('ﷺ'.repeat(300)), null, 'also when normalisation makes it so');
});

t.test(
  'passwords: the 3,000 most used, the user’s name and the service’s are WEAK_PASSWORD with the reason',
  async (t) => {
    const list = readFileSync(
      new URL('../../src/gateway/secrets/common-passwords.txt', import.meta.url),
      'utf8',
    )
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('# '));
    t.ok(list.filter((password) => password.length >= 8).length >= 3_000, 'that could be chosen at all');
    const anyLength = { ...rules, minChars: 1 };
    t.same(
      list.filter((password) => weaknessOf(password, nobody, anyLength) === null),
      [],
    );
    const made: readonly [string, RegExp][] = [
      ['password', /most used/],
      ['PassWord', /most used/],
      ['annabelle', /user/],
      ['!Annabelle99', /user/],
      ['annabelle-Annabelle', /user/],
      ['conclave', /service/],
      ['Conclave2026!', /service/],
    ];
    for (const [password, reason] of made) {
      t.match(weaknessOf(password, { name: 'annabelle' }, rules), reason, password);
    }
    t.match(weaknessOf('evanevan', { name: 'evan' }, rules), /user/, 'however often');
    t.equal(weaknessOf('evans evening', { name: 'evan' }, rules), null, 'a name may be part of more');
    t.equal(weaknessOf('20261126', { name: '1126' }, rules), null, 'digits, too');
    t.match(weaknessOf('ann.miller', { name: 'x', email: 'Ann.Miller@example.org' }, rules), /user/);
    t.match(await register('annabelle', 'annabelle1'), { code: 'WEAK_PASSWORD', text: /name of its user/ });
  },
);

t.test('passwords: without a digit or a symbol is accepted', async (t) => {
  t.equal(weaknessOf('correcthorsebattery', nobody, rules), null);
  t.match(await register('letters', 'correcthorsebattery'), { ok: true });
});

t.test('passwords: a change without the current one is DENIED', async (t) => {
  await register('changer', 'first passphrase');
  const client = await NativeClient.greet(one.httpPort, newSession());
  await client.change({ op: 'login', user: 'changer', password: 'first passphrase' });
  const change = { op: 'change-password', password: 'second passphrase' };
  t.match(await client.change(change), { code: 'DENIED' });
  t.match(await client.change({ ...change, current: 'wrong passphrase' }), { code: 'DENIED' });
  t.match(await client.change({ ...change, current: 'first passphrase', password: 'short' }), {
    code: 'WEAK_PASSWORD',
  });
  t.match(await login('changer', 'first passphrase'), { ok: true }, 'nothing has changed');
  client.destroy();
});

t.test(
  'passwords: an unknown user and a wrong password get one code, at one verification each',
  async (t) => {
    await register('known', 'a good passphrase');
    const cost = async (user: string) => {
      const before = two.hasher.verifications + two.hasher.hashes;
      const reply = await login(user, 'a wrong passphrase');
      return { reply: { ...reply, n: 0 }, cost: two.hasher.verifications + two.hasher.hashes - before };
    };
    const [known, unknown] = [await cost('known'), await cost('unknown')];
    t.same(unknown, known);
    t.match(known, { reply: { code: 'BAD_CREDENTIALS' }, cost: 1 });
  },
);

const hasher = new ChildHasher(
  { ...systemClock, after: (ms, action) => systemClock.after(10 * ms, action) },
  silentLogger,
);
t.teardown(() => hasher.stop());

t.test('passwords: are stored as argon2id with at least 19,456 KiB, two passes and one lane', async (t) => {
  const hash = await hasher.hash('correct horse');
  t.match(hash, /^\$argon2id\$v=19\$/);
  t.ok(hashOptions.memoryCost >= 19_456 && hashOptions.timeCost >= 2 && hashOptions.parallelism >= 1);
  t.equal(isOutdated(hash), false);
  for (const part of ['m=19456', 't=2', 'p=1']) t.ok(hash.split('$')[3]?.split(',').includes(part), part);
});

t.test('passwords: one character more than the right one fails, however long it is', async (t) => {
  for (const length of [8, 72, limits.passwordBytes - 1]) {
    const password = 'p'.repeat(length);
    const hash = await hasher.hash(password);
    t.equal(await hasher.verify(hash, password), true);
    t.equal(await hasher.verify(hash, `${password}p`), false, `${length} and one`);
  }
});

t.test(
  'passwords: a hash of older parameters is replaced at the next login, which logs nobody out',
  async (t) => {
    const weak = await argon2.hash('an old passphrase', { ...hashOptions, memoryCost: 8_192, timeCost: 1 });
    t.equal(isOutdated(weak), true);
    t.equal(isOutdated(weak.replace('argon2id', 'argon2i')), true);
    const { cluster, nodes, stop } = await startNodes(1, { profile: 'production', registration: 'open' });
    const [node] = nodes;
    if (node === undefined) throw new Error('a node');
    // In place of the child process: the real verification of the old form, a recognisable new one.
    node.hasher.verify = async (hash, password) => hash !== null && (await argon2.verify(hash, password));
    node.hasher.hash = async () => weak;
    const client = await NativeClient.greet(node.httpPort, newSession());
    await client.change({ op: 'register', user: 'old', password: 'an old passphrase' });
    const strong = await hasher.hash('an old passphrase');
    node.hasher.hash = async () => strong;
    t.match(await client.change({ op: 'login', user: 'old', password: 'an old passphrase' }), { ok: true });
    await until(() => node.engine.machine.accountByName('old')?.passwordHash === strong);
    t.equal(node.engine.machine.accountByName('old')?.credential, 1);
    t.match(await client.change({ op: 'send', to: 'old', text: 'still here' }), { ok: true });
    const length = cluster.log.length;
    const again = await NativeClient.greet(node.httpPort, newSession());
    await again.change({ op: 'login', user: 'old', password: 'an old passphrase' });
    t.equal(cluster.log.length, length + 1, 'once: the new hash stays');
    await stop();
  },
);

t.test('passwords: the demonstration profile takes short ones, by its name', async (t) => {
  const node = '{"id":1,"host":"127.0.0.1","peerPort":1,"chatPort":2,"httpPort":3}';
  const demo = policyOf(parseConfig(`{"profile":"loopback-demo","nodes":[${node}]}`));
  t.equal(weaknessOf('pw', nobody, demo.passwords), null);
  const strict = `{"profile":"loopback-demo","passwords":{"minChars":12,"refuseCommon":true},"nodes":[${node}]}`;
  t.match(weaknessOf('elevenchars', nobody, policyOf(parseConfig(strict)).passwords), /at least 12/);
});
