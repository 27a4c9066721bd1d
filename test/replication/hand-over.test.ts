import t from 'tap';
import { TestCluster } from './support/test-cluster.ts';

/** The longest time between two of these moments. */
function longestGap(moments: readonly number[]): number {
  return moments.reduce((longest, at, i) => Math.max(longest, at - (moments[i - 1] ?? at)), 0);
}

/**
 * By the cluster's clock, on which a message takes 1 ms and a sync 1 ms. The heir gets what is in flight (3), is told (1), asks and is voted for
 * (3), tells the others (1), and then a proposal goes its usual way, from the old leader by way of the new one (4).
 */
t.test('hand-over: on every node proposals go on after a dozen message times, and none fails', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const cluster = await TestCluster.led(3, {}, seed);
    cluster.syncMs = () => 1;
    const old = cluster.led.id;
    const moments = new Map<number, number[]>(cluster.ids.map((id) => [id, []]));
    const waiting: Promise<void>[] = [];
    let handedOver: Promise<boolean> | null = null;
    for (let ms = 0; ms < 60; ms++) {
      for (const { id, engine } of cluster.nodes) {
        const proposing = engine.propose(Buffer.from(`${id} at ${ms}`)).then(({ kind }) => {
          t.equal(kind, 'applied');
          moments.get(id)?.push(cluster.clock.monotonicMs());
        });
        waiting.push(proposing);
      }
      await cluster.clock.advance(1);
      if (ms === 30) handedOver = cluster.led.engine.handOver();
    }
    await cluster.finish(Promise.all(waiting));
    t.equal(await handedOver, true);
    t.not(cluster.led.id, old);
    for (const [id, times] of moments) t.ok(longestGap(times) <= 14, `node ${id}: ${longestGap(times)} ms`);
    await cluster.stopAll();
  }
});
