/** What the admin command makes of answers: which node is asked, what a failure means, and how members are shown. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import {
  formatMembers,
  type MemberRow,
  progressOf,
  readMembers,
} from '../../../src/cli/cluster/members-table.ts';
import { OperatorClient } from '../../../src/cli/cluster/operator-client.ts';
import { httpCaller } from '../../../src/client/http-caller.ts';
import type { ServerAddress } from '../../../src/client/index.ts';

const key = new Uint8Array(32).fill(4);

interface FakeNode {
  readonly address: ServerAddress;
  /** Bodies of the sealed requests. */
  readonly asked: string[];
}

type Answer = (response: ServerResponse) => void;

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** Says hello as node `node`, and answers everything else as it is told. */
async function fakeNode(t: Test, node: number, answer: Answer, skewMs = 0): Promise<FakeNode> {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === '/admin/hello') {
      response.end(JSON.stringify({ node, timeMs: Date.now() + skewMs }));
      return;
    }
    t.match(
      request.headers.authorization,
      /^Conclave time=\d+,nonce=[0-9a-f]{32},digest=[0-9a-f]{64},mac=[0-9a-f]{64}$/,
    );
    asked.push(await bodyOf(request));
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { address: { host: '127.0.0.1', port }, asked };
}

const says =
  (status: number, value: unknown): Answer =>
  (response) => {
    response.statusCode = status;
    response.end(JSON.stringify(value));
  };
const hangsUp: Answer = (response) => void response.destroy();
const unavailable = says(503, { code: 'UNAVAILABLE', text: 'no leader' });

const request = { method: 'POST', path: '/admin/members', body: { tag: 'x' } } as const;

t.test('operators: a node that cannot serve is passed over, the same request goes to the next', async (t) => {
  const nodes = [
    await fakeNode(t, 1, unavailable),
    await fakeNode(t, 2, hangsUp),
    await fakeNode(t, 3, says(200, { status: 'done' })),
  ];
  const client = new OperatorClient(
    nodes.map(({ address }) => address),
    key,
    httpCaller,
  );
  t.match(await client.ask(request), { kind: 'done', value: { status: 'done' } });
  t.strictSame(
    nodes.map(({ asked }) => asked),
    [['{"tag":"x"}'], ['{"tag":"x"}'], ['{"tag":"x"}']],
  );
});

t.test('operators: a refusal is final, and the node that is to go is asked last', async (t) => {
  const refusing = await fakeNode(t, 1, says(409, { code: 'LAST_VOTER', text: 'the last one' }));
  const going = await fakeNode(t, 2, says(200, { status: 'done' }));
  const client = new OperatorClient([going.address, refusing.address], key, httpCaller);
  t.strictSame(await client.ask({ ...request, last: 2 }), {
    kind: 'refused',
    code: 'LAST_VOTER',
    text: 'the last one',
  });
  t.strictSame(going.asked, []);
});

t.test('operators: what may have happened is unknown, what certainly did not is not', async (t) => {
  const dead = { host: '127.0.0.1', port: 1 };
  t.match(await new OperatorClient([dead], key, httpCaller).ask(request), { kind: 'unreachable' });
  const leaderless = await fakeNode(t, 1, unavailable);
  t.match(await new OperatorClient([leaderless.address, dead], key, httpCaller).ask(request), {
    kind: 'unreachable',
  });
  const broken = await fakeNode(t, 2, hangsUp);
  const behind = await fakeNode(t, 3, unavailable);
  t.match(await new OperatorClient([broken.address, behind.address], key, httpCaller).ask(request), {
    kind: 'unknown',
  });
  const refusing = await fakeNode(t, 5, says(409, { code: 'LAST_VOTER', text: 'the last one' }));
  const two = new OperatorClient([broken.address, refusing.address], key, httpCaller);
  t.match(await two.ask(request), { kind: 'unknown' }, 'the node that broke off may ask on');
  const doubtful = await fakeNode(t, 4, says(504, { code: 'UNKNOWN_OUTCOME', text: 'who knows' }));
  t.match(await new OperatorClient([doubtful.address], key, httpCaller).ask(request), { kind: 'unknown' });
});

t.test('operators: a clock that is far off gets no seal', async (t) => {
  const ahead = await fakeNode(t, 1, says(200, {}), 400_000);
  await t.rejects(new OperatorClient([ahead.address], key, httpCaller).ask(request), {
    code: 'USAGE',
    message: /clock/,
  });
  t.strictSame(ahead.asked, []);
});

function row(id: number, more: Partial<MemberRow> = {}): MemberRow {
  return {
    id,
    host: '127.0.0.1',
    peerPort: 7100 + id,
    chatPort: 7200 + id,
    httpPort: 7300 + id,
    state: 'voter',
    voter: true,
    promoted: false,
    oldVoter: false,
    lag: 0,
    reachable: true,
    ...more,
  };
}

t.test('members: the table says who leads, who is on the way, and what to do about the others', async (t) => {
  const members = [
    row(1),
    row(2, { reachable: false, lag: null }),
    row(3, { state: 'observer', voter: false, oldVoter: true, lag: 7 }),
    row(4, { state: 'learner', voter: false, promoted: true, lag: 1200 }),
    row(5, { state: 'observer', voter: false }),
  ];
  const text = formatMembers({ id: 2, leader: 1, term: 9, members });
  t.matchOnly(text.split('\n'), [
    /^node +host +peer +chat +http +state +reachable +lag +remark$/,
    /^1 .* voter +yes +0 +leads$/,
    /^2 .* voter +no +- +-$/,
    /^3 .* observer +yes +7 +an old disk counts in the majority; replace it: members replace 3$/,
    /^4 .* learner +yes +1200 +becomes a voter by itself$/,
    /^5 .* observer +yes +0 +no member: members add 5$/,
    /^$/,
    /^Node 1 leads in term 9. \(As node 2 knows it.\)$/,
  ]);
  t.equal(readMembers({ id: 1, leader: null, term: 1, members: [{ id: 1 }] }), null);
});

t.test('members: on the way to a vote each step has its words, and the end has none', async (t) => {
  const steps = [
    row(4, { state: 'expected', voter: false, reachable: false }),
    row(4, { state: 'learner', voter: false, reachable: false }),
    row(4, { state: 'learner', voter: false, lag: null }),
    row(4, { state: 'learner', voter: false, lag: 12 }),
    row(4, { oldVoter: true }),
    row(4),
  ];
  t.strictSame(steps.map(progressOf), [
    'node 4 is expected: start it',
    'node 4 is a learner, and not connected',
    'node 4 is a learner',
    'node 4 is a learner, 12 entries behind',
    'node 4 takes over from its old disk',
    null,
  ]);
});
