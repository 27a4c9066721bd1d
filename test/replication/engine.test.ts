import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { makeMessage } from '../../src/raft/index.ts';
import { decodeFrame, encodeFrame, type PeerFrame } from '../../src/replication/formats/peer-frames.ts';
import type { Outcome } from '../../src/replication/ports/engine.ts';
import { TestCluster, type TestNode } from './support/test-cluster.ts';
import type { ToyResult } from './support/toy-machine.ts';

function command(text: string): Uint8Array {
  return Buffer.from(text);
}

/** Proposes many at once, on one node. */
function proposeAll(node: TestNode, texts: readonly string[]): Promise<Outcome<ToyResult>[]> {
  return Promise.all(texts.map((text) => node.engine.propose(command(text))));
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`);
}

function kindsOf(outcomes: readonly Outcome<ToyResult>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function countFrames(cluster: TestCluster, kind: PeerFrame['kind']): { readonly count: number } {
  const counted = { count: 0 };
  cluster.network.filter = (_from, _to, _lane, frame) => {
    if (decodeFrame(frame)?.kind === kind) counted.count++;
    return true;
  };
  return counted;
}

t.test('engine: three empty nodes found one cluster, and every node takes proposals', async (t) => {
  const cluster = await TestCluster.led(3);
  for (const id of cluster.ids) {
    const outcome = await cluster.propose(id, `from ${id}`);
    t.match(outcome, { kind: 'applied', result: { text: `from ${id}`, position: id } });
  }
  await cluster.converge();
  for (const { machine, events } of cluster.nodes) {
    t.strictSame(machine.texts, ['from 1', 'from 2', 'from 3']);
    t.strictSame(events, ['applied from 1', 'applied from 2', 'applied from 3']);
  }
  const { members, alarms } = cluster.led.engine.status();
  t.ok(members.every(({ voter, reachable, match }) => voter && reachable && match !== null));
  t.strictSame(alarms, []);
  await cluster.stopAll();
});

t.test('engine: what is proposed in one turn leaves as one frame and is applied in order', async (t) => {
  const cluster = await TestCluster.led(3);
  const follower = cluster.followers[0] as TestNode;
  const frames = countFrames(cluster, 'propose');
  const texts = numbered('m', 500);
  const outcomes = await cluster.finish(proposeAll(follower, texts));
  t.strictSame(kindsOf(outcomes), { applied: 500 });
  t.strictSame(follower.machine.texts, texts);
  t.equal(frames.count, 1);
  await cluster.stopAll();
});

t.test(
  'engine: a killed leader is replaced at once, and every proposal of the others takes effect once',
  async (t) => {
    const outages: number[] = [];
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = await TestCluster.led(3, {}, seed);
      const { id } = cluster.led;
      const proposals = cluster.followers.map((node) => proposeAll(node, numbered(`${node.id}-before-`, 50)));
      // In different moments: nothing left yet, on the way, appended, committed and not told.
      await cluster.clock.advance(seed % 5);
      cluster.crash(id);
      const survivors = cluster.nodes;
      for (const node of survivors) proposals.push(proposeAll(node, numbered(`${node.id}-after-`, 50)));
      outages.push(await cluster.until('a new leader', () => cluster.leader !== null));
      const outcomes = (await cluster.finish(Promise.all(proposals))).flat();
      t.strictSame(kindsOf(outcomes), { applied: 200 }, `seed ${seed}`);
      await cluster.converge();
      for (const { machine } of survivors) {
        t.equal(new Set(machine.texts).size, machine.texts.length, 'nothing twice');
        t.equal(machine.texts.length, 200);
        t.strictSame(machine.texts, survivors[0]?.machine.texts);
      }
      await cluster.stopAll();
    }
    outages.sort((a, b) => a - b);
    t.ok((outages[5] ?? 0) <= 60, `median outage ${outages[5]} ms of virtual time`);
    t.ok((outages[9] ?? 0) <= 200, `longest outage ${outages[9]} ms of virtual time`);
  },
);

t.test(
  'engine: a leader that falls silent is replaced by timeout, and what it had taken is not lost or doubled',
  async (t) => {
    const cluster = await TestCluster.led(3);
    const old = cluster.led;
    cluster.network.isolate(old.id, 'silent');
    const stranded = proposeAll(old, numbered('stranded', 20));
    await cluster.until('another leader', () => cluster.led.id !== old.id, 2_000);
    const rest = cluster.nodes.filter((node) => node !== old);
    const outcome = await cluster.propose(rest[0]?.id ?? 0, 'after');
    t.equal(outcome.kind, 'applied');
    await cluster.until('the old one steps down', () => old.engine.status().role !== 'leader', 2_000);
    t.equal(old.engine.status().leader, null, 'it knows of no leader');
    await cluster.clock.advance(500);
    cluster.network.heal(old.id);
    const outcomes = await cluster.finish(stranded);
    t.strictSame(kindsOf(outcomes), { applied: 20 }, 'overtaken by a later term, they are proposed again');
    await cluster.converge();
    for (const { machine } of cluster.nodes) t.equal(new Set(machine.texts).size, 21);
    await cluster.stopAll();
  },
);

t.test(
  'engine: without a majority a proposal is refused or unknown within the time, and so is a read',
  async (t) => {
    const cluster = await TestCluster.led(3);
    const { led } = cluster;
    const [one, two] = cluster.followers as [TestNode, TestNode];
    cluster.crash(one.id);
    cluster.crash(two.id);
    const startMs = cluster.clock.monotonicMs();
    const taken = led.engine.propose(command('taken'));
    const read = led.engine.barrier().catch((error) => error);
    t.equal((await cluster.finish(taken)).kind, 'unknown', 'it is in the log, and may be committed yet');
    t.match(await cluster.finish(read), { code: 'UNAVAILABLE' });
    t.ok(cluster.clock.monotonicMs() - startMs <= limits.operationMs + 50);
    const refused = await cluster.propose(led.id, 'refused');
    t.strictSame(refused, { kind: 'refused', code: 'UNAVAILABLE' }, 'certainly in no log');
    await cluster.start(one.id);
    await cluster.until('a leader again', () => cluster.leader !== null);
    t.equal((await cluster.propose(led.id, 'again')).kind, 'applied');
    t.strictSame(cluster.node(led.id).machine.texts.at(-1), 'again');
    t.notOk(cluster.node(led.id).machine.texts.includes('refused'));
    await cluster.stopAll();
  },
);

t.test('engine: bounds of proposals are answers', async (t) => {
  const cluster = await TestCluster.led(1);
  const { engine } = cluster.led;
  t.strictSame(await engine.propose(new Uint8Array(limits.commandBytes + 1)), {
    kind: 'refused',
    code: 'TOO_LONG',
  });
  const many = proposeAll(cluster.led, numbered('n', limits.proposalsInFlight));
  t.strictSame(await engine.propose(command('one too many')), { kind: 'refused', code: 'BUSY' });
  t.strictSame(kindsOf(await cluster.finish(many)), { applied: limits.proposalsInFlight });
  await cluster.stopAll();
});

t.test(
  'engine: a link that breaks under load loses and doubles nothing, while its leader leads on',
  async (t) => {
    const cluster = await TestCluster.led(3);
    const { led } = cluster;
    const follower = cluster.followers[0] as TestNode;
    const term = led.engine.status().term;
    const outcomes: Promise<Outcome<ToyResult>[]>[] = [];
    for (let round = 0; round < 10; round++) {
      outcomes.push(proposeAll(follower, numbered(`r${round}-`, 30)));
      await cluster.clock.advance(round % 3);
      cluster.network.cut(led.id, follower.id);
      outcomes.push(proposeAll(follower, numbered(`c${round}-`, 5)));
      await cluster.clock.advance(2);
      cluster.network.join(led.id, follower.id);
      await cluster.clock.advance(3);
    }
    const all = (await cluster.finish(Promise.all(outcomes))).flat();
    t.strictSame(kindsOf(all), { applied: 350 });
    t.equal(cluster.led.engine.status().term, term, 'nobody was elected');
    await cluster.converge();
    for (const { machine } of cluster.nodes) {
      t.equal(machine.texts.length, 350);
      t.equal(new Set(machine.texts).size, 350);
    }
    await cluster.stopAll();
  },
);

t.test('engine: a node that hears nothing but is heard deposes nobody, and comes back', async (t) => {
  const cluster = await TestCluster.led(3);
  const { led } = cluster;
  const deaf = cluster.followers[0] as TestNode;
  for (const { id } of cluster.nodes) if (id !== deaf.id) cluster.network.deafen(id, deaf.id);
  for (let i = 0; i < 20; i++) {
    t.equal((await cluster.propose(led.id, `m${i}`)).kind, 'applied');
    await cluster.clock.advance(100);
  }
  t.equal(led.engine.status().role, 'leader');
  t.equal(led.engine.status().term, 2);
  cluster.network.heal(deaf.id);
  await cluster.converge();
  t.equal(deaf.machine.texts.length, 20);
  t.equal(cluster.led.engine.status().term, 2, 'its pre-votes left no trace');
  await cluster.stopAll();
});

t.test('engine: a peer speaks for itself only, and what it garbles is counted', async (t) => {
  const cluster = await TestCluster.led(3);
  const { led } = cluster;
  const [liar, victim] = cluster.followers as [TestNode, TestNode];
  const { term } = victim.engine.status();
  const claim = makeMessage('MsgHeartbeat', victim.incarnation, led.incarnation, term + 5);
  liar.transport.send(victim.id, 'control', encodeFrame({ kind: 'raft', messages: [claim] }));
  const elsewhere = makeMessage('MsgVote', led.incarnation, liar.incarnation, term + 5, { index: 99 });
  liar.transport.send(victim.id, 'control', encodeFrame({ kind: 'raft', messages: [elsewhere] }));
  liar.transport.send(victim.id, 'control', Buffer.from([1, 0, 255]));
  await cluster.clock.advance(20);
  t.match(victim.handle.counters(), { message: 2, 'malformed-frame': 1 });
  t.equal(victim.engine.status().term, term);
  await cluster.stopAll();
});

t.test('engine: a leader takes only proposals of its own term, and says which it refused', async (t) => {
  const cluster = await TestCluster.led(3);
  const { led } = cluster;
  const follower = cluster.followers[0] as TestNode;
  const refused: number[] = [];
  cluster.network.filter = (_from, to, _lane, frame) => {
    const decoded = decodeFrame(frame);
    if (to === follower.id && decoded?.kind === 'refused') refused.push(...decoded.counters);
    return true;
  };
  const { term } = led.engine.status();
  const send = (node: TestNode, claimed: number, counter: number): boolean =>
    follower.transport.send(
      node.id,
      'bulk',
      encodeFrame({
        kind: 'propose',
        term: claimed,
        life: 1,
        proposals: [{ counter, command: command(`t${claimed}`) }],
      }),
    );
  send(led, term - 1, 1);
  send(led, term + 1, 2);
  await cluster.clock.advance(20);
  t.strictSame(refused, [1, 2]);
  send(led, term, 3);
  send(led, term, 3);
  await cluster.clock.advance(20);
  await cluster.converge();
  t.strictSame(led.machine.texts, [`t${term}`], 'and a repetition once');
  await cluster.stopAll();
});

t.test('barrier: a read on any node sees what was acknowledged on another', async (t) => {
  const cluster = await TestCluster.led(3);
  for (const writer of cluster.nodes) {
    for (const reader of cluster.nodes) {
      const text = `${writer.id} for ${reader.id}`;
      await cluster.propose(writer.id, text);
      await cluster.finish(reader.engine.barrier());
      t.ok(reader.machine.texts.includes(text), text);
    }
  }
  await cluster.stopAll();
});

t.test('barrier: many reads share a round, and a paused old leader answers none', async (t) => {
  const cluster = await TestCluster.led(3);
  const old = cluster.led;
  const follower = cluster.followers[0] as TestNode;
  let rounds = 0;
  cluster.network.filter = (from, _to, _lane, frame) => {
    const decoded = decodeFrame(frame);
    if (from === follower.id && decoded?.kind === 'raft') {
      rounds += decoded.messages.filter(({ type }) => type === 'MsgReadIndex').length;
    }
    return true;
  };
  await cluster.finish(Promise.all(Array.from({ length: 100 }, () => follower.engine.barrier())));
  t.ok(rounds <= 2, `${rounds} rounds`);
  cluster.network.isolate(old.id, 'silent');
  const stale = old.engine.barrier().then(
    () => 'served',
    () => 'refused',
  );
  await cluster.until('another leader', () => cluster.led.id !== old.id);
  await cluster.propose(cluster.led.id, 'newer');
  t.equal(await cluster.finish(stale), 'refused');
  await cluster.stopAll();
});

t.test('barrier: a read survives a change of leader', async (t) => {
  const cluster = await TestCluster.led(3);
  const { id } = cluster.led;
  const reads = cluster.followers.map(({ engine }) => engine.barrier());
  cluster.crash(id);
  reads.push(...cluster.nodes.map(({ engine }) => engine.barrier()));
  await t.resolves(cluster.finish(Promise.all(reads)));
  await cluster.stopAll();
});

t.test('hand-over: leadership moves without a failed proposal, and a clean stop moves it too', async (t) => {
  const cluster = await TestCluster.led(3);
  const first = cluster.led;
  const before = cluster.nodes.map((node) => proposeAll(node, numbered(`${node.id}-a`, 100)));
  const startMs = cluster.clock.monotonicMs();
  t.equal(await cluster.finish(first.engine.handOver()), true);
  t.ok(cluster.clock.monotonicMs() - startMs <= 30, 'at once');
  t.not(cluster.led.id, first.id);
  const second = cluster.led;
  const during = cluster.nodes.map((node) => proposeAll(node, numbered(`${node.id}-b`, 100)));
  await cluster.clock.advance(1);
  await cluster.stop(second.id);
  t.not(cluster.led.id, second.id);
  const outcomes = (await cluster.finish(Promise.all([...before, ...during]))).flat();
  t.strictSame(kindsOf(outcomes), { applied: 600 });
  t.equal(await cluster.finish(cluster.followers[0]?.engine.handOver() ?? Promise.resolve(true)), false);
  await cluster.stopAll();
});

t.test('restart: all nodes killed at once come back with everything acknowledged', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = await TestCluster.led(3, {}, seed);
    const acknowledged: string[] = [];
    for (const node of cluster.nodes) {
      for (const text of numbered(`${node.id}-`, 40)) {
        node.engine.propose(command(text)).then((outcome) => {
          if (outcome.kind === 'applied') acknowledged.push(text);
        });
      }
    }
    await cluster.clock.advance(seed * 2);
    for (const id of cluster.ids) cluster.crash(id);
    for (const id of cluster.ids) await cluster.start(id);
    await cluster.until('a leader', () => cluster.leader !== null);
    await cluster.finish(cluster.led.engine.barrier());
    const { texts } = cluster.led.machine;
    t.ok(
      acknowledged.every((text) => texts.includes(text)),
      `${acknowledged.length} acknowledged, ${texts.length} there`,
    );
    t.equal(new Set(texts).size, texts.length, 'none twice');
    t.equal(cluster.led.engine.status().startCommitIndex !== null, true);
    await cluster.stopAll();
  }
});

t.test('scenario 15: replay after a restart does not apply twice', async (t) => {
  for (const how of ['stopped', 'crashed']) {
    const cluster = await TestCluster.led(1);
    await cluster.finish(proposeAll(cluster.led, numbered('x', 10)));
    if (how === 'stopped') await cluster.stop(1);
    else cluster.crash(1);
    const node = await cluster.start(1);
    t.equal(node.log.recovered.sealed, how === 'stopped');
    if (how === 'stopped') {
      t.strictSame(node.machine.texts, numbered('x', 10), 'from the store, before anything is applied again');
    }
    await cluster.until('a leader', () => cluster.leader !== null);
    await cluster.propose(1, 'y');
    t.strictSame(node.machine.texts, [...numbered('x', 10), 'y'], how);
    await cluster.stopAll();
  }
});

t.test('time: stamped times never run backwards, over leaders and jumps of a wall clock', async (t) => {
  const cluster = await TestCluster.led(3);
  for (let round = 0; round < 4; round++) {
    await cluster.propose(cluster.led.id, `a${round}`);
    cluster.led.clock.wallSkewMs = round % 2 === 0 ? -3_600_000 : 7_200_000;
    await cluster.propose(cluster.led.id, `b${round}`);
    await cluster.clock.advance(1_000);
    await cluster.finish(cluster.led.engine.handOver());
  }
  await cluster.converge();
  const { times } = cluster.led.machine;
  const wall = times.map(({ wallMs }) => wallMs);
  const elapsed = times.map(({ clusterMs }) => clusterMs);
  t.strictSame(
    wall,
    [...wall].sort((a, b) => a - b),
  );
  t.strictSame(
    elapsed,
    [...elapsed].sort((a, b) => a - b),
  );
  const spent = (elapsed.at(-1) ?? 0) - (elapsed[0] ?? 0);
  t.ok(spent >= 3_000 && spent < 4_000, `${spent} ms of cluster time in three seconds`);
  await cluster.stopAll();
});

t.test('fatal: a throw in apply, and a failed log write, stop the node', async (t) => {
  const cluster = await TestCluster.led(3);
  const victim = cluster.followers[0] as TestNode;
  victim.machine.failOn = 'bad';
  t.equal((await cluster.propose(cluster.led.id, 'bad')).kind, 'applied');
  await cluster.clock.advance(50);
  t.match(victim.fatal, [{ message: 'planted' }]);
  t.strictSame(await victim.engine.propose(command('x')), { kind: 'refused', code: 'UNAVAILABLE' });
  const { led } = cluster;
  cluster.machineOf(led.id).disk.before = ({ kind }) => {
    if (kind === 'write' || kind === 'sync') throw new Error('no disk');
  };
  const outcome = led.engine.propose(command('y'));
  await cluster.clock.advance(50);
  t.match(led.fatal, [{ code: 'DISK_FAILED' }]);
  t.equal((await outcome).kind, 'unknown');
  await cluster.stopAll();
});

t.test('bus: datagrams go to linked peers, and their coming and going is told', async (t) => {
  const cluster = await TestCluster.led(3);
  const heard: string[] = [];
  for (const { id, handle } of cluster.nodes) {
    handle.bus.onMessage((node, payload) => heard.push(`${node}>${id} ${Buffer.from(payload)}`));
  }
  const peers: string[] = [];
  cluster.node(1).handle.bus.onPeer((node, up) => peers.push(`${node} ${up}`));
  cluster.node(1).handle.bus.broadcast(command('all'));
  cluster.node(2).handle.bus.sendTo(3, command('one'));
  cluster.node(2).handle.bus.sendTo(9, command('nobody'));
  await cluster.clock.advance(10);
  t.strictSame(heard.sort(), ['1>2 all', '1>3 all', '2>3 one']);
  t.strictSame(cluster.node(1).handle.bus.peers(), [2, 3]);
  cluster.crash(3);
  await cluster.clock.advance(10);
  t.strictSame(peers, ['3 false']);
  await cluster.stopAll();
});
