import { X509Certificate } from 'node:crypto';
import { chmod, cp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { keyFiles } from '../../src/tls/key-directory.ts';
import { loadPeer, loadServer } from '../../src/tls/material.ts';
import { namedNode, nodeUri } from '../../src/tls/node-name.ts';
import { testKeys } from '../support/keys.ts';

const dayMs = 24 * 3_600_000;
const self = { cluster: 'conclave', node: 1 };

t.test(
  'keys: private ones can be read by their owner only, and nothing is overwritten unasked',
  async (t) => {
    const keys = await testKeys(t);
    const names = await readdir(keys.directory);
    t.equal(names.length, 11);
    for (const name of names) {
      const { mode } = await stat(join(keys.directory, name));
      const text = await readFile(join(keys.directory, name), 'utf8');
      t.equal(mode & 0o777, text.includes('PRIVATE KEY') ? 0o600 : 0o644, name);
    }
    t.equal((await stat(keys.directory)).mode & 0o777, 0o700);
    const before = await readFile(join(keys.directory, keyFiles.authority), 'utf8');
    await t.rejects(keys.make({}), { code: 'USAGE', message: /is there already: --renew .* --force/ });
    t.equal(await readFile(join(keys.directory, keyFiles.authority), 'utf8'), before);
    await keys.make({ mode: 'replace' });
    t.not(await readFile(join(keys.directory, keyFiles.authority), 'utf8'), before);
  },
);

t.test(
  'keys: renewed ones keep the CA and the pinned key, and a node added since gets its own',
  async (t) => {
    const keys = await testKeys(t);
    const read = (name: string): Promise<string> => readFile(join(keys.directory, name), 'utf8');
    const names = [keyFiles.authority, keyFiles.publicKey, keyFiles.certificate, keyFiles.nodeCertificate(1)];
    const before = await Promise.all(names.map(read));
    const nodes = [1, 2, 3, 4].map((id) => ({ id, host: `host${id}.example` }));
    await keys.make({ mode: 'renew', nodes });
    const after = await Promise.all(names.map(read));
    t.strictSame(
      after.map((text, at) => text === before[at]),
      [true, true, false, false],
    );
    const authority = new X509Certificate(await read(keyFiles.authority));
    const added = new X509Certificate(await read(keyFiles.nodeCertificate(4)));
    t.ok(added.verify(authority.publicKey));
    t.equal(added.checkHost('host4.example'), 'host4.example');
    t.equal(namedNode(added.subjectAltName, 'conclave'), 4);
    t.ok(new X509Certificate(await read(keyFiles.certificate)).checkHost('host2.example'));
  },
);

t.test('keys: what cannot work is refused with the file and the reason', async (t) => {
  const keys = await testKeys(t);
  const [other, elsewhere] = [await testKeys(t), await testKeys(t, { cluster: 'elsewhere' })];
  const at = (name: string): string => join(keys.directory, name);
  const server = { key: at('private.pem'), cert: at('certificate.pem') };
  const peer = { key: at('node-1-key.pem'), cert: at('node-1.pem'), ca: at('ca.pem') };
  const nowMs = Date.now();
  await loadServer(server, nowMs);
  await loadPeer(peer, self, nowMs);
  const refused = (found: Promise<unknown>, message: RegExp): Promise<unknown> =>
    t.rejects(found, { code: 'TLS_INVALID', message });
  await refused(
    loadServer({ ...server, cert: at('none.pem') }, nowMs),
    /none\.pem is missing: make keys with/,
  );
  await refused(loadServer({ ...server, cert: at('node-1.pem') }, nowMs), /is not the certificate of/);
  await refused(loadServer({ ...server, cert: at('public.pem') }, nowMs), /holds no certificate/);
  await refused(loadServer(server, nowMs + 366 * dayMs), /certificate\.pem expired on/);
  await refused(loadServer(server, nowMs - dayMs), /is not valid before/);
  await refused(loadPeer(peer, { ...self, node: 2 }, nowMs), /not the certificate of node 2/);
  await refused(loadPeer({ ...peer, ca: join(other.directory, 'ca.pem') }, self, nowMs), /was not signed by/);
  const foreign = { key: 'node-1-key.pem', cert: 'node-1.pem', ca: 'ca.pem' };
  const paths = Object.entries(foreign).map(([key, name]) => [key, join(elsewhere.directory, name)]);
  await refused(loadPeer(Object.fromEntries(paths), self, nowMs), /of the cluster "conclave"/);
  await chmod(at('private.pem'), 0o640);
  await refused(loadServer(server, nowMs), /may be read by others/);
  await writeFile(at('node-1-key.pem'), 'nothing');
  await refused(loadPeer(peer, self, nowMs), /node-1-key\.pem cannot be read/);
});

t.test('keys: while one CA replaces another, both are trusted', async (t) => {
  const [old, fresh] = [await testKeys(t), await testKeys(t)];
  const bundle = join(old.root, 'both.pem');
  const texts = [old, fresh].map(({ directory }) => readFile(join(directory, 'ca.pem'), 'utf8'));
  await writeFile(bundle, (await Promise.all(texts)).join(''));
  for (const { directory } of [old, fresh]) {
    const paths = { key: join(directory, 'node-1-key.pem'), cert: join(directory, 'node-1.pem'), ca: bundle };
    t.ok(await loadPeer(paths, self, Date.now()));
  }
  await cp(bundle, join(old.directory, 'ca.pem'));
  await old.make({ mode: 'renew' });
  const renewed = new X509Certificate(await readFile(join(old.directory, 'node-1.pem')));
  t.ok(
    renewed.verify(new X509Certificate(await readFile(bundle)).publicKey),
    'renewed by the CA whose key is there',
  );
});

t.test('keys: a certificate names a node of this cluster, once, or none', async (t) => {
  const uri = `URI:${nodeUri('conclave', 7)}`;
  t.equal(namedNode(`${uri}, IP Address:127.0.0.1`, 'conclave'), 7);
  t.equal(namedNode(`DNS:a, ${uri}`, 'conclave'), 7);
  for (const names of [
    undefined,
    'DNS:a',
    `${uri}, URI:${nodeUri('conclave', 8)}`,
    `URI:${nodeUri('another', 7)}`,
    `DNS:"a, ${uri}, b"`,
    `${uri}/more`,
    'URI:conclave://conclave/node/07',
    'URI:x://y/conclave://conclave/node/7',
  ]) {
    t.equal(namedNode(names, 'conclave'), null, names ?? 'no names');
  }
});
