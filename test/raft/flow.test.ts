import t from 'tap';
import { bytes, Cluster, refusalOf } from './support/cluster.ts';

const three = [1, 2, 3];

t.test(
  'flow: appends in flight are bounded by count and by bytes, and go on as they are acknowledged',
  (t) => {
    const cluster = new Cluster([1, 2], {
      maxInflightMessages: 3,
      maxSizePerMessage: 1,
      maxInflightBytes: 10,
    });
    cluster.elect(1);
    cluster.take('MsgApp');
    for (let number = 0; number < 6; number++) cluster.propose(1, `${number}`);
    cluster.post(cluster.at(1).takeReady());
    t.equal(cluster.take('MsgApp').length, 3, 'three small ones by count');
    t.match(cluster.at(1).raw.status().peers[1], { inflights: 3, inflightsFull: true, paused: true });
    cluster.settle();
    t.same(cluster.at(2).appliedTexts(), ['0', '1', '2', '3', '4', '5']);
    cluster.take('MsgApp');
    for (const size of [6, 6, 6]) cluster.propose(1, 'x'.repeat(size));
    cluster.post(cluster.at(1).takeReady());
    t.equal(cluster.take('MsgApp').length, 2, 'the one that reaches the bound in bytes is the last');
    cluster.settle();
    t.equal(cluster.at(2).appliedTexts().length, 9);
    t.end();
  },
);

t.test('flow: a peer whose log is unknown is probed by one append at a time', (t) => {
  const cluster = new Cluster([1, 2]);
  const leader = cluster.elect(1);
  leader.raw.reportUnreachable(2);
  cluster.take('MsgApp');
  for (const text of ['a', 'b', 'c']) cluster.propose(1, text);
  cluster.post(leader.takeReady());
  t.match(cluster.take('MsgApp'), [{ entries: { length: 1 } }]);
  t.match(leader.raw.status().peers[1], { state: 'probe', paused: true });
  cluster.settle();
  t.same(cluster.at(2).appliedTexts(), ['a', 'b', 'c'], 'its answer lets the rest follow');
  t.end();
});

t.test('flow: when all appends in flight were lost, a heartbeat gets the stream going again', (t) => {
  const cluster = new Cluster([1, 2], { maxInflightMessages: 2 });
  cluster.elect(1);
  cluster.cut(1, 2);
  for (const text of ['a', 'b', 'c']) cluster.propose(1, text);
  cluster.settle();
  cluster.heal();
  cluster.tick(3, [1]);
  t.same(cluster.at(2).appliedTexts(), ['a', 'b', 'c']);
  t.end();
});

t.test('flow: a message, a Ready and the uncommitted tail keep to their bounds in bytes', (t) => {
  const options = { maxSizePerMessage: 40, maxCommittedSizePerReady: 60, maxUncommittedEntriesSize: 100 };
  const cluster = new Cluster(three, options);
  cluster.elect(1);
  for (const id of [2, 3]) cluster.cut(1, id);
  for (let number = 0; number < 5; number++) cluster.propose(1, 'x'.repeat(20));
  t.equal(
    refusalOf(() => cluster.propose(1, 'y')),
    'proposal-dropped',
    'the tail is full',
  );
  t.equal(
    refusalOf(() => cluster.at(1).raw.proposeAll([bytes('')])),
    null,
    'an empty entry is never refused',
  );
  cluster.settle();
  cluster.heal();
  cluster.at(1).raw.reportUnreachable(2);
  cluster.take('MsgApp');
  cluster.tick(4);
  t.ok(cluster.take('MsgApp').every((message) => message.entries.length <= 2));
  t.equal(cluster.at(2).appliedTexts().length, 5);
  t.equal(
    refusalOf(() => cluster.propose(1, 'y')),
    null,
    'there is room again',
  );
  t.equal(
    refusalOf(() => cluster.propose(1, 'z'.repeat(1000))),
    'proposal-dropped',
  );
  cluster.settle();
  t.equal(
    refusalOf(() => cluster.propose(1, 'z'.repeat(1000))),
    null,
    'a single one may exceed it',
  );
  t.end();
});

t.test('flow: a follower that is slow to apply gets no more than the bound until it acknowledges', (t) => {
  const cluster = new Cluster([1], { maxCommittedSizePerReady: 50 });
  const only = cluster.elect(1);
  for (let number = 0; number < 10; number++) cluster.propose(1, 'x'.repeat(20));
  while (only.raw.hasReady() || only.appendWork.length > 0) {
    if (only.raw.hasReady()) cluster.post(only.takeReady());
    for (const message of only.write()) cluster.deliver(message);
  }
  const outstanding = only.applyWork.flatMap((work) => work.entries).length;
  t.ok(outstanding >= 1 && outstanding <= 3, `${outstanding} entries handed out`);
  cluster.settle();
  t.equal(only.appliedTexts().length, 10);
  t.end();
});

t.test('hot path: the work per entry does not grow with the log or with the batch', (t) => {
  const cluster = new Cluster([1]);
  const only = cluster.elect(1);
  let reads = 0;
  const { log } = only;
  const term = log.term.bind(log);
  log.term = (index) => {
    reads++;
    return term(index);
  };
  const lookups = (count: number): number => {
    reads = 0;
    only.raw.proposeAll(Array.from({ length: count }, () => bytes('x')));
    cluster.settle();
    return reads;
  };
  const few = lookups(10);
  lookups(20_000);
  const many = lookups(10);
  t.ok(many <= few, `${many} look-ups behind a long log, ${few} behind a short one`);
  t.ok(lookups(20_000) <= few, 'a batch costs as many as a few entries');
  t.end();
});
