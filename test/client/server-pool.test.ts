import t from 'tap';
import { type Random, seededRandom } from '../../src/base/prng.ts';
import { parseAddresses } from '../../src/client/addresses.ts';
import { backOff, backOffMs, largestPool, ServerPool } from '../../src/client/server-pool.ts';

const seeds = [1, 2, 3].map((id) => ({ host: '10.0.0.1', port: 7300 + id }));
const members = [1, 2, 3].map((id) => ({ id, host: '10.0.0.1', httpPort: 7300 + id }));
/** The largest jitter, so that a wait is exactly known. */
const steady: Random = { below: () => 0, fraction: () => 0 };

function learnt(random: Random = steady): ServerPool {
  const pool = new ServerPool(seeds, random);
  pool.learn(members);
  return pool;
}

t.test('server pool: seeds are tried in a random order, so that many clients spread', async (t) => {
  const first = new Set<number | undefined>();
  for (let seed = 0; seed < 40; seed++) {
    first.add(new ServerPool(seeds, seededRandom(seed)).choose(0)?.server.address.port);
  }
  t.strictSame([...first].sort(), [7301, 7302, 7303]);
});

t.test('server pool: the leader comes first, unless it has just failed', async (t) => {
  const pool = learnt();
  pool.setLeader(3);
  t.equal(pool.choose(0)?.server.id, 3);
  const leader = pool.byId(3);
  if (leader === undefined) throw new Error('learnt');
  pool.failed(leader, 100);
  t.equal(pool.leader, null, 'a node that was lost is not believed to lead');
  t.not(pool.choose(100)?.server.id, 3);
  t.equal(pool.choose(100)?.delayMs, 0, 'another node is tried at once');
});

t.test(
  'server pool: when all have failed, the one whose time comes first is named with its delay',
  async (t) => {
    const pool = learnt();
    for (const server of pool.servers) pool.failed(server, 0);
    const [first] = pool.servers;
    if (first === undefined) throw new Error('three servers');
    pool.failed(first, 0);
    const choice = pool.choose(5);
    t.not(choice?.server, first, 'two failures wait longer than one');
    t.equal(choice?.delayMs, backOff.firstMs - 5);
  },
);

t.test('server pool: the wait doubles up to a bound, less up to a half by chance', async (t) => {
  t.strictSame(
    [1, 2, 3, 7, 50].map((failures) => backOffMs(failures, steady)),
    [20, 40, 80, 1_000, 1_000],
  );
  const random = seededRandom(1);
  const waits = Array.from({ length: 200 }, () => backOffMs(3, random));
  t.ok(Math.min(...waits) >= 40 && Math.max(...waits) <= 80);
  t.ok(Math.max(...waits) - Math.min(...waits) > 30, 'it spreads');
});

t.test('server pool: a success forgets the failures', async (t) => {
  const pool = learnt();
  const [server] = pool.servers;
  if (server === undefined) throw new Error('three servers');
  pool.failed(server, 0);
  pool.connected(server);
  t.match(server, { failures: 0, notBeforeMs: 0 });
});

t.test('server pool: a node that asked to be left alone is avoided while another can serve', async (t) => {
  const pool = learnt();
  pool.setLeader(1);
  const leader = pool.byId(1);
  if (leader === undefined) throw new Error('learnt');
  pool.avoid(leader, 0, 1_000);
  t.not(pool.choose(10)?.server.id, 1);
  t.equal(pool.choose(1_000)?.server.id, 1);
});

t.test('server pool: members are learnt, removed ones forgotten, given ones kept', async (t) => {
  const pool = new ServerPool([{ host: '10.0.0.1', port: 7301 }], steady);
  pool.learn(members);
  t.equal(pool.servers.length, 3);
  pool.learn(members.filter((member) => member.id === 2));
  t.strictSame(
    pool.servers.map((server) => server.id),
    [1, 2],
  );
});

t.test('server pool: an address that works is kept, one that fails gives way to the told one', async (t) => {
  const pool = new ServerPool([{ host: 'localhost', port: 7301 }], steady);
  const [seed] = pool.servers;
  if (seed === undefined) throw new Error('one seed');
  pool.identify(seed, 1);
  pool.learn(members);
  t.equal(pool.servers.length, 3, 'no second entry for the node behind localhost');
  t.equal(pool.byId(1)?.address.host, 'localhost');
  pool.failed(seed, 0);
  pool.learn(members);
  t.equal(pool.byId(1)?.address.host, '10.0.0.1');
});

t.test('server pool: an address behind which another node answers now is renamed', async (t) => {
  const pool = learnt();
  const first = pool.byId(1);
  if (first === undefined) throw new Error('learnt');
  pool.identify(first, 3);
  t.equal(pool.servers.filter((server) => server.id === 3).length, 1);
  t.equal(pool.byId(3)?.address.port, 7301);
});

t.test('server pool: what is told cannot grow it without bound', async (t) => {
  const pool = learnt();
  pool.learn(Array.from({ length: 500 }, (_, index) => ({ id: index + 1, host: 'h', httpPort: index + 1 })));
  t.ok(pool.servers.length <= largestPool);
});

t.test('server pool: the one left out is taken only when there is no other', async (t) => {
  const pool = new ServerPool(seeds.slice(0, 1), steady);
  const [only] = pool.servers;
  if (only === undefined) throw new Error('one seed');
  t.equal(pool.choose(0, [only])?.server, only);
  t.equal(new ServerPool([], steady).choose(0), undefined);
});

t.test('addresses: lists and brackets are read, nonsense is refused by name', async (t) => {
  t.strictSame(parseAddresses(' 127.0.0.1:7301,[::1]:7302, node-3.lan:7303,'), [
    { host: '127.0.0.1', port: 7301 },
    { host: '::1', port: 7302 },
    { host: 'node-3.lan', port: 7303 },
  ]);
  for (const bad of ['nowhere', '1.2.3.4:0', '1.2.3.4:70000', '::1:7301', 'a b:1']) {
    t.throws(() => parseAddresses(bad), { code: 'USAGE', message: `"${bad}" is not HOST:PORT` });
  }
});
