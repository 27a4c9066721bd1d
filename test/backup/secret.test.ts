import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { EnvelopeHead } from '../../src/backup/envelope.ts';
import { knownSecret, newSecret } from '../../src/backup/secret.ts';

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

t.test('backup key: made once, for its owner only, and found again', async (t) => {
  const path = join(t.testdir({}), 'backup.key');
  const first = await newSecret({ kind: 'key', path });
  t.equal(first.made, true);
  t.equal(statSync(path).mode & 0o777, 0o600);
  const second = await newSecret({ kind: 'key', path });
  t.equal(second.made, false);
  t.not(text(first.head.salt), text(second.head.salt), 'each file has a key of its own');
  t.equal(text(await first.find(first.head)), text(await knownSecret({ kind: 'key', path })(first.head)));
  chmodSync(path, 0o644);
  await t.rejects(newSecret({ kind: 'key', path }), { code: 'KEY_WRONG' });
});

t.test('backup key: reading never makes one, and says what is missing', async (t) => {
  const path = join(t.testdir({}), 'backup.key');
  const head: EnvelopeHead = { source: { kind: 'key' }, salt: new Uint8Array(32) };
  await t.rejects(knownSecret({ kind: 'key', path })(head), { code: 'KEY_MISSING', message: /--backup-key/ });
  t.equal(existsSync(path), false);
  const stretching = { memoryKib: 1_024, passes: 1, lanes: 1 };
  const other: EnvelopeHead = { source: { kind: 'passphrase', stretching }, salt: new Uint8Array(32) };
  await t.rejects(knownSecret({ kind: 'key', path })(other), {
    code: 'KEY_WRONG',
    message: /--passphrase-file/,
  });
});

t.test('passphrase: the first line, in any normal form; short ones are refused', async (t) => {
  const directory = t.testdir({
    good: 'correct horse é\nmore',
    same: 'correct horse e\u0301\r\n',
    short: 'horse',
  });
  const place = (name: string) => ({ kind: 'passphrase', path: join(directory, name) }) as const;
  await t.rejects(newSecret(place('short')), { code: 'WEAK_PASSWORD' });
  await t.rejects(newSecret(place('none')), { code: 'USAGE' });
  const { head } = await newSecret(place('good'));
  t.match(head.source, { kind: 'passphrase', stretching: { memoryKib: 262_144 } });
  const quick: EnvelopeHead = {
    source: { kind: 'passphrase', stretching: { memoryKib: 1_024, passes: 1, lanes: 1 } },
    salt: head.salt,
  };
  const secret = text(await knownSecret(place('good'))(quick));
  t.equal(secret.length, 64);
  t.equal(text(await knownSecret(place('same'))(quick)), secret);
  writeFileSync(join(directory, 'good'), 'another one, as long');
  t.not(text(await knownSecret(place('good'))(quick)), secret);
});

t.test(
  'passphrase: figures of a head that argon2 does not take are a damaged head, never a known secret',
  async (t) => {
    const path = join(t.testdir({ file: 'correct horse battery' }), 'file');
    const stretching = { memoryKib: 0, passes: 0, lanes: 0 };
    const head: EnvelopeHead = { source: { kind: 'passphrase', stretching }, salt: new Uint8Array(32) };
    await t.rejects(knownSecret({ kind: 'passphrase', path })(head), { code: 'BACKUP_INVALID' });
  },
);
