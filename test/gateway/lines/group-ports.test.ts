import t from 'tap';
import { freePorts } from '../../../scripts/support/ports.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { OperatorClient } from '../../../src/cli/cluster/operator-client.ts';
import { httpCaller } from '../../../src/client/http-caller.ts';
import { portError } from '../../../src/gateway/connections/listen.ts';
import { GroupPorts } from '../../../src/gateway/lines/group-ports.ts';
import { LineClient, startNodes, testOperatorKey } from '../../support/gateway.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { Transcript } from './support/transcript.ts';

/** Until somebody listens there. */
async function opened(port: number): Promise<void> {
  for (;;) {
    try {
      (await LineClient.open(port)).destroy();
      return;
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

async function closed(port: number): Promise<void> {
  for (;;) {
    try {
      (await LineClient.open(port)).destroy();
    } catch {
      return;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test('group ports: on its own port a group is left out of every line, to the letter', async (t) => {
  const { nodes, stop } = await startNodes(1);
  t.teardown(stop);
  const [node] = nodes;
  if (node === undefined) throw new Error('one node');
  const [port = 0] = await freePorts(1);
  const operator = new OperatorClient(
    [{ host: '127.0.0.1', port: node.httpPort }],
    testOperatorKey,
    httpCaller,
  );
  const listen = (group: string, at: number | null) =>
    operator.ask({ method: 'POST', path: '/admin/group-listener', body: { group, port: at } });
  t.match(await listen('chess', port), { kind: 'refused', code: 'UNKNOWN_GROUP' });
  t.match(await listen('chess', 0), { kind: 'refused', code: 'BAD_REQUEST' });

  const talk = new Transcript(t);
  t.teardown(() => talk.close());
  await talk.join('p', node.chatPort);
  await talk.play(`
    p> 1|paul|pw
    p< New account created! User ID: paul. Please log in.
    p> 2|paul|pw
    p< Login successful - welcome back paul!
    p> j|#chess
    p< Joined group #chess.
    p> j|#other
    p< Joined group #other.
  `);
  t.match(await listen('chess', port), { kind: 'done', value: { group: 'chess', port } });
  t.match(await listen('other', port), { kind: 'refused', code: 'CONFLICT' });
  t.match(await listen('other', 1), { kind: 'refused', code: 'CONFLICT', text: /a node's own/ });
  await opened(port);
  await talk.join('r', port);
  await talk.play(`
    r> NEW_USER
    r< {uid}
    r> SEND_MESSAGE {uid} not yet
    r< FAILED
    r> LEAVE_GROUP {uid}
    r< User not a part of group.
    r> JOIN_GROUP {uid}
    r< SUCCESS
    r> SEND_MESSAGE {uid} e4, and now?
    r< SUCCESS
    p< [#chess user-…] e4, and now?
    p> d|#chess|e5
    p< Message sent to #chess.
    r> GET_MESSAGES {uid}
    r< … - e4, and now?
    r< … - paul - e5
    r<
    r> GET_MESSAGES {uid} 2100-01-01 00:00:00
    r<
    r> GET_GROUP_LIST
    r< chess - 127.0.0.1 ${port}
    r< other - 127.0.0.1 0
    r<
    r> LEAVE_GROUP {uid}
    r< SUCCESS
    r> anything else
    r< Invalid command
  `);
  t.match(await listen('chess', null), { kind: 'done' });
  await talk.play('r.');
  await closed(port);
});

t.test('group ports: one that is in use is an alarm, and is opened when it is free', async (t) => {
  const [port = 0] = await freePorts(1);
  const clock = new VirtualClock();
  let group: string | null = 'chess';
  let isFree = false;
  const calls: string[] = [];
  const ports = new GroupPorts({
    clock,
    logger: silentLogger,
    view: {
      groupsWithPort: () => (group === null ? [] : [{ name: group, listenerPort: port }]),
    },
    host: '127.0.0.1',
    open: (name) => ({
      listen: async (host, at) => {
        calls.push(`listen for ${name}`);
        const busy = Object.assign(new Error('busy'), { code: 'EADDRINUSE' });
        if (!isFree) throw portError(busy, host, at, 'chat port');
        return at;
      },
      stop: async () => void calls.push(`stop for ${name}`),
    }),
  });
  ports.start();
  await clock.advance(1);
  t.match(ports.alarms(), [/^group port: \d+ of group chess is not open: .*in use by another process/]);
  await clock.advance(2_000);
  t.same(calls, ['listen for chess'], 'not tried without end');
  isFree = true;
  await clock.advance(5_000);
  t.same(calls, ['listen for chess', 'listen for chess']);
  t.same(ports.alarms(), []);
  group = 'renamed';
  await clock.advance(1_000);
  t.same(calls.slice(2), ['stop for chess', 'listen for renamed']);
  group = null;
  await clock.advance(1_000);
  t.same(calls.slice(4), ['stop for renamed']);
  group = 'chess';
  await clock.advance(1_000);
  await ports.stop();
  await clock.advance(1_000);
  t.same(calls.slice(5), ['listen for chess', 'stop for chess']);
});
