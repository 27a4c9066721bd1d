/** One stream of events in virtual time, on a connection that takes what the test lets it take. */
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/prng.ts';
import { Acknowledger } from '../../../src/delivery/acknowledger.ts';
import { Cursors } from '../../../src/delivery/cursors.ts';
import { Presence } from '../../../src/delivery/presence.ts';
import { Watchers } from '../../../src/delivery/watchers.ts';
import { EventStream } from '../../../src/gateway/bots/event-stream.ts';
import type { EventWire, WireEvent } from '../../../src/gateway/bots/event-wire.ts';
import { Counters } from '../../../src/gateway/connections/counters.ts';
import { World } from '../../delivery/support/outbox-world.ts';

class FakeWire implements EventWire {
  readonly events: WireEvent[] = [];
  beats = 0;
  ends: string[] = [];
  terminated = false;
  takes = true;
  pendingBytes = 0;
  #closed: (() => void)[] = [];

  write(event: WireEvent, taken: () => void): void {
    this.events.push(event);
    if (this.takes) queueMicrotask(taken);
    else this.pendingBytes += event.json.length;
  }

  beat(): void {
    this.beats += 1;
  }

  end(_code: number, reason: string): void {
    this.ends.push(reason);
  }

  terminate(): void {
    this.terminated = true;
    this.close();
  }

  onClose(listener: () => void): void {
    this.#closed.push(listener);
  }

  close(): void {
    for (const listener of this.#closed.splice(0)) listener();
  }

  names(): readonly string[] {
    return this.events.map(({ name }) => name);
  }
}

function room() {
  const world = new World();
  const { clock, engine, hub, store } = world;
  const view = engine.machine;
  const applied = async () => true;
  const presence = new Presence(clock, seededRandom(1), engine.bus);
  const counters = new Counters();
  const delivery = {
    ...{ hub, view, store, clock, presence },
    cursors: new Cursors(clock, applied),
    acknowledger: new Acknowledger(clock, applied),
    watchers: new Watchers({ clock, presence, view }),
  };
  const wire = new FakeWire();
  const account = world.accounts[1] ?? 0;
  const ports = { delivery, clock, counters, logger: silentLogger };
  const options = { account, session: null, token: null, after: hub.index, watches: false };
  const stream = new EventStream(wire, ports, options);
  return { world, clock, wire, stream, counters, presence, account };
}

t.test(
  'stream: a reader that takes nothing is cut off, with no more in memory than its window',
  async (t) => {
    const { world, clock, wire, counters, presence, account } = room();
    await clock.advance(1);
    t.same(wire.names(), ['caught-up']);
    t.ok(presence.isOnline(account));
    wire.takes = false;
    const text = 'y'.repeat(limits.messageBytes);
    for (let count = 0; count < 100; count++) world.send(0, 1, text);
    world.apply();
    await clock.advance(900);
    const handed = wire.names().filter((name) => name === 'message').length;
    t.ok(handed * limits.messageBytes < limits.outboxBytes + 2 * limits.messageBytes, `${handed} messages`);
    t.same(wire.ends, []);
    await clock.advance(200);
    t.same(wire.ends, ['SLOW_READER']);
    t.match(JSON.parse(wire.events.at(-1)?.json ?? ''), { ev: 'closing', code: 'SLOW_READER' });
    t.equal(counters.slowReaders, 1);
    await clock.advance(2_000);
    t.ok(wire.terminated, 'who does not take the end either');
    t.notOk(presence.isOnline(account));
    const before = wire.events.length;
    world.send(0, 1, 'more');
    world.apply();
    await clock.advance(60_000);
    t.equal(wire.events.length, before);
    t.equal(wire.beats, 0);
  },
);

t.test('stream: it beats while nothing happens, and not into a connection that is full', async (t) => {
  const { clock, wire, stream } = room();
  await clock.advance(46_000);
  t.equal(wire.beats, 3);
  wire.pendingBytes = limits.outboxBytes + 1;
  await clock.advance(15_000);
  t.equal(wire.beats, 3);
  wire.pendingBytes = 0;
  stream.close('GOING_AWAY');
  stream.close('SESSION_ENDED');
  t.same(wire.ends, ['GOING_AWAY'], 'once');
  wire.close();
  await clock.advance(60_000);
  t.equal(wire.beats, 3);
  t.notOk(wire.terminated);
});

t.test('stream: only what stands in the log has an id, and the ids ascend', async (t) => {
  const { world, clock, wire } = room();
  await clock.advance(1);
  for (const text of ['one', 'two']) world.send(0, 1, text);
  world.append(world.accounts[2] ?? 0, { kind: 'leave-group', name: 'team' });
  world.send(0, 1, 'three');
  world.apply();
  await clock.advance(10);
  t.same(wire.names(), ['caught-up', 'message', 'message', 'group', 'message']);
  const ids = wire.events.map(({ id }) => id);
  t.equal(ids[3], null);
  const shown = ids.filter((id) => id !== null);
  t.same(
    shown,
    [...new Set(shown)].sort((a, b) => a - b),
  );
  t.ok(wire.events.every(({ json }) => !json.includes('\n')));
});
