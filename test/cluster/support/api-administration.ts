/** What the API has for administrators, used as documented. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Test } from 'tap';
import { freePorts } from '../../../scripts/support/ports.ts';
import type { RealCluster } from '../../../scripts/support/real-cluster.ts';
import type { Person } from './api-person.ts';
import { type Ask, type DocumentedApi, needsLogin } from './documented-api.ts';

interface People {
  readonly administrator: Person;
  readonly other: Person;
  /** Has no account yet. */
  readonly stranger: Person;
}

export async function useAccounts(t: Test, api: DocumentedApi, people: People): Promise<void> {
  const { administrator: ann, other: bob, stranger } = people;
  for (const [operationId, { path, operation }] of api.operations) {
    if (!path.startsWith('/api/v1/admin/') || !needsLogin(operation)) continue;
    const refused = await bob.ask(operationId);
    t.match([operationId, refused.status, refused.json.code], [operationId, 403, 'DENIED']);
  }
  const { users } = await ann.get('listAccounts', { query: { after: 'an' } });
  t.match(users, [
    { name: 'ann', administrator: true, access: 'open' },
    { name: bob.name, online: false },
  ]);
  await useGroupPort(t, ann);
  t.match(await ann.get('unlockAccount', { body: { user: bob.name } }), { name: bob.name, forgotten: 0 });
  t.equal((await ann.ask('unlockAccount', { body: { user: 'nobody' } })).json.code, 'UNKNOWN_USER');
  await ann.get('setRole', { body: { user: bob.name, administrator: true } });
  const code = randomUUID();
  const codeHash = createHash('sha256').update(code).digest('hex');
  const invitation = { codeHash, uses: 1, lifetimeMs: 60_000 };
  t.match(await bob.get('admitInvitation', { body: invitation }), { uses: 1, lifetimeMs: 60_000 });
  const registration = { user: stranger.name, password: 'pw', invitation: code };
  t.match(await stranger.get('register', { body: registration }), { user: stranger.name });
  await ann.get('setRole', { body: { user: bob.name, administrator: false } });
  t.equal((await bob.ask('admitInvitation', { body: invitation })).json.code, 'DENIED');
  for (const body of [{}, { user: bob.name }, { user: bob.name, administrator: true, more: 1 }]) {
    const { status, json } = await ann.ask('setRole', { body });
    t.match([status, json.code, json.detail], [400, 'BAD_REQUEST', /^body/]);
  }
}

async function useGroupPort(t: Test, ann: Person): Promise<void> {
  const [port = 0] = await freePorts(1);
  await ann.get('createGroup', { body: { group: 'board' } });
  t.match(await ann.get('setGroupPort', { body: { group: 'board', port } }), { group: 'board', port });
  t.match(await ann.get('listGroups'), { groups: [{ name: 'board', owner: 'ann', port }], more: false });
  t.equal((await ann.ask('setGroupPort', { body: { group: 'none', port } })).json.code, 'UNKNOWN_GROUP');
  await ann.get('setGroupPort', { body: { group: 'board', port: null } });
}

export async function useNodes(t: Test, cluster: RealCluster, ann: Person): Promise<void> {
  const leader = await cluster.leader();
  t.match(await ann.get('nodeView'), { profile: 'loopback-demo', leader: leader.id, alarms: [] });
  await changeMembers(t, ann);
  const other = cluster.nodes.find(({ id }) => id !== leader.id)?.id ?? 0;
  for (const node of [other, leader.id]) {
    t.match(await ann.get('transferLeadership', { body: { node } }), { status: 'done' });
    t.equal((await cluster.leader()).id, node);
  }
  const { actions } = await ann.get('listActions');
  t.match(actions, [
    { by: { name: 'ann' }, action: 'transfer', subject: `node ${leader.id}`, outcome: 'done' },
    { action: 'transfer', subject: `node ${other}`, outcome: 'done' },
    { action: 'members remove', subject: 'node 9', outcome: 'UNKNOWN_NODE' },
  ]);
  const [, { number }] = actions as readonly [unknown, { readonly number: number }];
  const older = await ann.get('listActions', { query: { before: number } });
  t.match(older, { actions: [{ outcome: 'UNKNOWN_NODE' }] });
  t.equal((await ann.ask('listActions', { query: { before: 'x' } })).json.code, 'BAD_REQUEST');
}

async function changeMembers(t: Test, ann: Person): Promise<void> {
  const ask = (change: object): Ask => ({ body: { tag: randomBytes(16).toString('hex'), change } });
  const place = { host: '127.0.0.1', peerPort: 1, chatPort: 2, httpPort: 3 };
  const adding = ask({ kind: 'add', node: 9, place, promote: false });
  t.match(await ann.get('changeMembers', adding), { status: 'done' });
  t.match(await ann.get('changeMembers', adding), { status: 'done' }, 'asked again, of another node');
  t.match(await ann.get('clusterMembers'), { members: [{ id: 1 }, {}, {}, { id: 9, state: 'expected' }] });
  const elsewhere = { kind: 'add', node: 8, place: { ...place, host: '10.0.0.1' }, promote: false };
  t.match((await ann.ask('changeMembers', ask(elsewhere))).json.detail, /not loopback/);
  await ann.get('changeMembers', ask({ kind: 'remove', node: 9 }));
  const again = await ann.ask('changeMembers', ask({ kind: 'remove', node: 9 }));
  t.match([again.status, again.json.code], [404, 'UNKNOWN_NODE']);
}
