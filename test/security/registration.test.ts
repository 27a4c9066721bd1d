/** SECURITY of registration, names and deletion: docs/security.md names these tests by number. */
import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { hashSecret } from '../../src/gateway/secrets/identifiers.ts';
import { said, textTo, World } from '../chat/support/world.ts';
import { levelOnDisk, mark } from '../store/support/backends.ts';
import { LineClient, startNodes } from '../support/gateway.ts';
import { NativeClient, newSession } from '../support/native-client.ts';

const code = 'correct-horse-7Q';
const invite = (uses: number, lifetimeMs = 60_000) =>
  ({ kind: 'create-invitation', codeHash: hashSecret(code), uses, lifetimeMs }) as const;
const register = (name: string, invitation?: string) =>
  ({
    kind: 'register',
    name,
    passwordHash: 'h',
    ...(invitation === undefined ? {} : { invitation }),
  }) as const;

t.test(
  'registration: is by invitation unless the profile or the file says otherwise; without one DENIED',
  async (t) => {
    const { nodes, stop } = await startNodes(2, { profile: 'production' });
    t.teardown(stop);
    const [one, two] = nodes;
    if (one === undefined || two === undefined) throw new Error('two nodes');
    const password = 'a good passphrase';
    const client = await NativeClient.greet(one.httpPort, newSession());
    t.match(await client.change({ op: 'register', user: 'ann', password }), {
      code: 'DENIED',
      text: 'Registration is by invitation.',
    });
    t.match(await client.change({ op: 'register', user: 'ann', password, invitation: 'nonsense' }), {
      code: 'INVITATION_INVALID',
    });
    t.equal(one.engine.machine.accountByName('ann'), undefined);
    const line = await LineClient.open(two.chatPort);
    t.same(await line.ask(`1|bob|${password}`), ['Error DENIED: Registration is by invitation.']);
    t.same(await line.ask('invite nonsense'), ['OK']);
    t.match(await line.ask(`1|bob|${password}`), [/^Error INVITATION_INVALID: /]);
    line.destroy();
  },
);

t.test('registration: closed is closed, with an invitation too', async (t) => {
  const { nodes, stop } = await startNodes(1, { registration: 'closed' });
  t.teardown(stop);
  const client = await NativeClient.greet(nodes[0]?.httpPort ?? 0, newSession());
  const request = { op: 'register', user: 'ann', password: 'pw', invitation: code };
  t.match(await client.change(request), { code: 'DENIED', text: 'Registration is closed.' });
});

t.test(
  'invitation: is used up by the registration itself, once, however often that is asked for',
  async (t) => {
    const world = new World();
    const hash = hashSecret(code);
    t.equal(said(world.raw(register('ann', hash))), 'INVITATION_INVALID');
    t.equal(said(world.raw(invite(2))), 'noted');
    t.equal(said(world.raw(invite(2))), 'noted', 'asked again: the same one');
    t.equal(said(world.numbered(1, 1, register('ann', hash))), 'registered');
    t.equal(said(world.numbered(1, 1, register('ann', hash))), 'registered', 'a retry');
    t.equal(said(world.raw(register('ANN', hash))), 'NAME_TAKEN', 'which uses up nothing');
    await world.reload();
    t.equal(said(world.raw(register('bob', hash))), 'registered');
    t.equal(said(world.raw(register('eve', hash))), 'INVITATION_INVALID');
    world.store();
    t.same(
      [...world.rows.keys()].filter((key) => key.startsWith('i/')),
      [],
    );
  },
);

t.test(
  'invitation: expires by cluster time, is kept as a hash only, and is an administrator’s to make',
  async (t) => {
    const world = new World();
    const hash = hashSecret(code);
    world.raw(invite(5, 1_000));
    world.store();
    for (const [key, row] of world.rows) t.notOk(key.includes(code) || Buffer.from(row).includes(code), key);
    world.clusterMs = 1_000;
    t.equal(said(world.raw(register('ann', hash))), 'INVITATION_INVALID');
    const ann = world.register('ann');
    world.numbered(1, 1, { kind: 'login', account: ann, credential: 1 });
    t.equal(said(world.numbered(1, 2, invite(1))), 'DENIED', 'never a client’s');
    t.equal(said(world.raw(invite(1), ann)), 'DENIED');
    t.equal(said(world.raw(invite(0))), 'BAD_REQUEST');
    t.equal(said(world.raw({ ...invite(1), lifetimeMs: limits.invitationMs + 1 })), 'BAD_REQUEST');
    t.equal(said(world.raw({ ...invite(1), codeHash: code })), 'BAD_REQUEST');
  },
);

t.test(
  'names: control characters, other scripts and what looks like a name are refused in a name',
  async (t) => {
    const world = new World();
    world.register('evan');
    for (const name of [
      '\u0435van',
      'ev\u202ean',
      'ev\u001b[1man',
      'ev\u0000an',
      'ev\u200ban',
      'ｅｖａｎ',
      'EVAN',
    ]) {
      const answer = said(world.raw(register(name)));
      t.ok(answer === 'BAD_NAME' || answer === 'NAME_TAKEN', `${JSON.stringify(name)}: ${answer}`);
    }
    t.equal(world.machine.accounts().length, 1);
  },
);

t.test(
  'deletion: nothing of the account is left in the state once its last answers may be forgotten',
  async (t) => {
    const world = new World();
    const secrets = { name: 'zelda', displayName: 'Zelda Fitz', email: 'zelda@example.org' };
    const passwordHash = 'argon-of-zelda';
    world.numbered(1, 1, { kind: 'register', passwordHash, ...secrets });
    world.numbered(1, 2, { kind: 'login', account: 1, credential: 1 });
    const bob = world.register('bob');
    world.numbered(1, 3, textTo('bob', 'hello'));
    const attempts = [{ key: 'a:1', failures: 3, cleared: false }];
    world.raw({ kind: 'note-attempts', attempts });
    world.numbered(1, 4, { kind: 'delete-account', name: 'zelda' });
    // Ten minutes of retries, the last entry that clears away, and the snapshot is the rows.
    world.clusterMs += 20 * 60_000;
    world.raw({ kind: 'logout' });
    world.store();
    for (const [key, row] of world.rows) {
      const text = Buffer.from(row).toString('latin1');
      for (const secret of [...Object.values(secrets), passwordHash])
        t.notOk(text.includes(secret), `${key}: ${secret}`);
    }
    t.notOk([...world.rows.keys()].some((key) => key === 'a/1' || key === 't/a:1'));
    t.match(
      world.history('d:1:3'),
      [{ from: 1, body: { text: 'hello' } }],
      'the message stays, by a number that is nobody',
    );
    t.equal(world.machine.accountById(1), undefined);
    t.equal(world.machine.accountById(bob)?.name, 'bob');
  },
);

t.test(
  'names: еvan in Cyrillic is NAME_CONFUSABLE when evan exists, whatever names are configured',
  async (t) => {
    for (const names of ['ascii', 'unicode'] as const) {
      const { nodes, stop } = await startNodes(1, { names });
      const client = await NativeClient.greet(nodes[0]?.httpPort ?? 0, newSession());
      const register = (user: string) => client.change({ op: 'register', user, password: 'pw' });
      t.match(
        await register('\u0435van'),
        { code: 'BAD_NAME' },
        `${names}: nobody to be taken for, and two scripts`,
      );
      t.match(await register('evan'), { ok: true });
      for (const user of ['\u0435van', 'ev\u03b1n', '\u0435v\u0430n']) {
        t.match(await register(user), { code: 'NAME_CONFUSABLE' }, `${names}: ${user}`);
      }
      t.match(
        await register('evan1'),
        { ok: true },
        `${names}: two ASCII names are never taken for each other`,
      );
      client.destroy();
      await stop();
    }
  },
);

t.test(
  'names: where other scripts are configured, prepared as RFC 8265 says; one script, no doubles',
  async (t) => {
    const { nodes, stop } = await startNodes(1, { names: 'unicode' });
    t.teardown(stop);
    const client = await NativeClient.greet(nodes[0]?.httpPort ?? 0, newSession());
    const register = (user: string) => client.change({ op: 'register', user, password: 'pw' });
    t.match(
      await register('\u0418\u0432\u0430\u043d'),
      { ok: true, value: { user: '\u0438\u0432\u0430\u043d' } },
      'small letters',
    );
    t.match(await register('\u0438\u0432\u0430\u043d'), { code: 'NAME_TAKEN' });
    t.match(await register('Mu\u0308ller'), { ok: true, value: { user: 'm\u00fcller' } }, 'composed');
    t.match(await register('M\u00dcLLER'), { code: 'NAME_TAKEN' });
    t.match(
      await register('\uff4a\uff4f\uff48\uff4e'),
      { ok: true, value: { user: 'john' } },
      'full width is ASCII',
    );
    t.match(await register('\u5c71\u7530\u592a\u90ce'), { ok: true });
    const bad = [
      '\u0438van',
      'a\u200bb\u00e9',
      '\u00e9\u202e',
      '\u00e9 a',
      '\u00e9|a',
      '\ufb01x\u00e9',
      '\u00e9',
      '\ud83d\ude00\ud83d\ude00',
      '\u0301ab',
    ];
    for (const user of bad) t.match(await register(user), { ok: false }, JSON.stringify(user));
    await client.change({ op: 'login', user: '\u0418\u0412\u0410\u041d', password: 'pw' });
    t.match(await client.change({ op: 'send', to: 'M\u00fcller', text: 'hi' }), {
      ok: true,
      value: { to: 'm\u00fcller' },
    });
    t.match(await client.query({ op: 'history', with: 'M\u00dcLLER', limit: 1 }), {
      value: { messages: [{ text: 'hi' }] },
    });
  },
);

const foreign = (name: string) => ({ ...register(name), names: 'unicode' }) as const;

t.test('names: a name is free again, and so is what looks like it, once its account is gone', async (t) => {
  const world = new World();
  const id = world.register('evan');
  t.equal(said(world.raw(foreign('\u0435\u0432\u0430\u043d\u0435'))), 'registered');
  t.equal(said(world.raw(foreign('\u0435v\u0430n'))), 'NAME_CONFUSABLE');
  world.raw({ kind: 'delete-account', name: 'evan' }, id);
  await world.reload();
  t.equal(said(world.raw(foreign('\u0435v\u0430n'))), 'registered');
  t.equal(said(world.raw(register('evan'))), 'NAME_CONFUSABLE', 'the other way round too');
});

t.test('deletion: the next snapshot of a node holds nothing of the account', async (t) => {
  const backend = levelOnDisk.make(t);
  const store = await backend.open();
  const world = new World();
  const account = { name: 'zelda', displayName: 'Zelda Fitz', email: 'zelda@example.org' };
  const passwordHash = 'argon-of-zelda';
  const snapshot = async (): Promise<string> => {
    world.raw({ kind: 'logout' });
    store.stage(mark(world.index), world.machine.takeChanges());
    const frames: Uint8Array[] = [];
    for await (const frame of (await store.exportSnapshot()).chunks) frames.push(frame);
    return Buffer.concat(frames).toString('latin1');
  };
  world.register('bob');
  world.numbered(1, 1, { kind: 'register', passwordHash, ...account });
  world.numbered(1, 2, { kind: 'login', account: 2, credential: 1 });
  world.numbered(1, 3, textTo('bob', 'a message that stays'));
  const before = await snapshot();
  for (const text of [...Object.values(account), passwordHash])
    t.ok(before.includes(text), `before: ${text}`);
  world.numbered(1, 4, { kind: 'delete-account', name: 'zelda' });
  world.clusterMs += 20 * 60_000;
  const after = await snapshot();
  for (const text of [...Object.values(account), passwordHash])
    t.notOk(after.includes(text), `after: ${text}`);
  t.ok(after.includes('a message that stays'));
  await store.close();
});
