/** Outgoing webhooks under a clock that stands still: order, retries, suspension, and what a second leader does. */
import t from 'tap';
import { limits } from '../../../src/base/limits.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { seededRandom } from '../../../src/base/prng.ts';
import type { Command } from '../../../src/chat/vocabulary/types.ts';
import type { HookAnswer, HookCall } from '../../../src/gateway/bots/hook-caller.ts';
import { HookRunner } from '../../../src/gateway/bots/hook-runner.ts';
import { HookSecrets } from '../../../src/gateway/secrets/hook-secrets.ts';
import { textTo, World } from '../../chat/support/world.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

interface Attempt {
  readonly hook: number;
  readonly sequence: number;
  readonly id: string;
  readonly atMs: number;
}

const ends = new WeakMap<AbortSignal, Promise<HookAnswer>>();

function givenUp(signal: AbortSignal): Promise<HookAnswer> {
  const known = ends.get(signal);
  if (known !== undefined) return known;
  const end = new Promise<HookAnswer>((resolve) => {
    signal.addEventListener('abort', () => resolve({ kind: 'failed', fault: 'given up' }));
  });
  ends.set(signal, end);
  return end;
}

/** Two accounts with a hook between them, one node that runs it, and whatever answers. */
function room(hooks = 1) {
  const clock = new VirtualClock();
  const world = new World();
  const ann = world.register('ann');
  world.register('bob');
  for (let count = 1; count <= hooks; count++) {
    world.raw({ kind: 'create-hook', to: 'bob', name: `hook ${count}`, url: 'https://ci.example/' }, ann);
  }
  const attempts: Attempt[] = [];
  let underWay = 0;
  const seen = { mostUnderWay: 0 };
  const answers: { of: (attempt: Attempt) => HookAnswer | Promise<HookAnswer> } = {
    of: () => ({ kind: 'answered', status: 200 }),
  };
  const log = {
    barrier: async (): Promise<void> => undefined,
    propose: async (command: Command): Promise<{ readonly kind: string }> => {
      world.raw(command);
      return { kind: 'applied' };
    },
  };
  const read = async (stream: string, { from }: { from: number }) => {
    world.store();
    const record = world.streams.get(stream)?.[from - 1];
    return record === undefined ? [] : [{ sequence: from, record }];
  };
  const runner = new HookRunner({
    cluster: 'c',
    view: world.machine,
    store: { readStream: read },
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    counters: { hookDeliveries: 0, hookFailures: 0 },
    secrets: new HookSecrets(new Uint8Array(32)),
    caller: {
      call: async ({ body, headers }: HookCall, signal: AbortSignal) => {
        const { hook, sequence } = JSON.parse(body).data as { hook: number; sequence: number };
        const attempt = { hook, sequence, id: headers['webhook-id'] ?? '', atMs: clock.monotonicMs() };
        attempts.push(attempt);
        underWay += 1;
        seen.mostUnderWay = Math.max(seen.mostUnderWay, underWay);
        const answer = await Promise.race([answers.of(attempt), givenUp(signal)]);
        underWay -= 1;
        return answer;
      },
    },
    barrier: () => log.barrier(),
    proposeOwn: (command) => log.propose(command),
  });
  const say = (text: string): void => {
    const { events } = world.raw(textTo('bob', text), ann);
    runner.applied(events);
  };
  return { clock, world, runner, attempts, answers, seen, log, say };
}

t.test('runner: nothing is sent by a node that does not lead', async (t) => {
  const { clock, runner, attempts, say } = room();
  say('one');
  await clock.advance(10_000);
  t.same(attempts, []);
  runner.leads(true);
  await clock.advance(1_000);
  t.match(attempts, [{ sequence: 1 }]);
  runner.leads(false);
  say('two');
  await clock.advance(10_000);
  t.equal(attempts.length, 1);
});

t.test(
  'runner: a message that is refused is tried again, later each time, and holds back those behind it',
  async (t) => {
    const { clock, runner, attempts, answers, say } = room();
    answers.of = () => ({ kind: 'answered', status: 500 });
    runner.leads(true);
    for (const text of ['one', 'two']) say(text);
    await clock.advance(20_000);
    t.ok(attempts.every(({ sequence }) => sequence === 1));
    t.equal(new Set(attempts.map(({ id }) => id)).size, 1, 'under one id');
    const gaps = attempts.slice(1).map(({ atMs }, at) => atMs - (attempts[at]?.atMs ?? 0));
    t.ok(gaps.length >= 3 && gaps.every((gap, at) => gap >= 500 * 2 ** at), gaps.join(' '));
    answers.of = () => ({ kind: 'answered', status: 204 });
    await clock.advance(30_000);
    t.match(attempts.slice(-2), [{ sequence: 1 }, { sequence: 2 }]);
  },
);

t.test(
  'runner: after many failures in a row it is suspended, and nothing is sent until it is resumed',
  async (t) => {
    const { clock, world, runner, attempts, answers, say } = room();
    answers.of = () => ({ kind: 'failed', fault: 'ECONNREFUSED' });
    runner.leads(true);
    say('one');
    await clock.advance(2.5 * 3_600_000);
    const [hook] = [...world.machine.hooks()];
    t.match(hook, { suspended: true, failures: 24, fault: 'ECONNREFUSED', cursor: 0 });
    t.same(runner.alarms(), ['webhooks suspended: 1']);
    t.equal(attempts.length, 24);
    say('two');
    await clock.advance(3_600_000);
    t.equal(attempts.length, 24);
    answers.of = () => ({ kind: 'answered', status: 200 });
    world.raw({ kind: 'resume-hook', hook: hook?.id ?? 0 }, world.machine.accountByName('ann')?.id ?? null);
    await clock.advance(2_000);
    t.match(attempts.slice(24), [{ sequence: 1 }, { sequence: 2 }]);
    t.same(runner.alarms(), []);
  },
);

t.test(
  'runner: how far it got is told to the state once a second, and the next leader begins there',
  async (t) => {
    const { clock, world, runner, attempts, answers, say } = room();
    runner.leads(true);
    for (const text of ['one', 'two', 'three']) say(text);
    const before = world.index;
    await clock.advance(1_500);
    t.equal(world.index, before + 1, 'one entry');
    t.match([...world.machine.hooks()], [{ cursor: 3 }]);
    answers.of = () => new Promise(() => undefined);
    say('four');
    await clock.advance(10);
    runner.leads(false);
    answers.of = () => ({ kind: 'answered', status: 200 });
    runner.leads(true);
    await clock.advance(2_000);
    const sequences = attempts.map(({ sequence }) => sequence);
    t.same(sequences, [1, 2, 3, 4, 4], 'what was under way is sent again');
    t.equal(attempts[3]?.id, attempts[4]?.id);
  },
);

t.test(
  'runner: no more than eight are served at once, and none waits for another one’s message',
  async (t) => {
    const { clock, runner, attempts, answers, seen, say } = room(limits.hooksPerConversation);
    const stuck = new Set<number>();
    answers.of = ({ hook }) => {
      if (stuck.size < 3) stuck.add(hook);
      if (stuck.has(hook)) return new Promise(() => undefined);
      return { kind: 'answered', status: 200 };
    };
    runner.leads(true);
    for (const text of ['one', 'two', 'three']) say(text);
    await clock.advance(3_000);
    t.equal(attempts.length, 3 + 3 * (limits.hooksPerConversation - 3));
    t.ok(seen.mostUnderWay <= 8, String(seen.mostUnderWay));
  },
);

t.test(
  'runner: what is not known to be in the state is told again, and never instead of what is newer',
  async (t) => {
    const { clock, world, runner, log, say } = room();
    const { propose } = log;
    let answer: (outcome: { readonly kind: string }) => void = () => undefined;
    log.propose = () =>
      new Promise((resolve) => {
        answer = resolve;
      });
    runner.leads(true);
    say('one');
    await clock.advance(1_500);
    say('two');
    await clock.advance(10);
    log.propose = propose;
    answer({ kind: 'unknown' });
    await clock.advance(3_000);
    t.match([...world.machine.hooks()], [{ cursor: 2 }]);
  },
);

t.test('runner: one that is given up is left alone also while the state takes nothing', async (t) => {
  const { clock, world, runner, attempts, answers, log, say } = room();
  const { propose } = log;
  log.propose = async () => ({ kind: 'refused' });
  answers.of = () => ({ kind: 'answered', status: 410 });
  runner.leads(true);
  say('one');
  await clock.advance(60_000);
  t.equal(attempts.length, 1);
  log.propose = propose;
  await clock.advance(3_000);
  const [hook] = [...world.machine.hooks()];
  t.match(hook, { suspended: true });
  answers.of = () => ({ kind: 'answered', status: 200 });
  world.raw({ kind: 'resume-hook', hook: hook?.id ?? 0 }, world.machine.accountByName('ann')?.id ?? null);
  await clock.advance(2_000);
  t.match([...world.machine.hooks()], [{ cursor: 1, suspended: false }]);
  t.equal(attempts.length, 2);
});

t.test('runner: nothing is sent before the node knows what an earlier leader sent', async (t) => {
  const { clock, runner, attempts, log, say } = room();
  let pass: () => void = () => undefined;
  log.barrier = () =>
    new Promise((resolve) => {
      pass = resolve;
    });
  runner.leads(true);
  say('one');
  await clock.advance(5_000);
  t.same(attempts, []);
  pass();
  await clock.advance(1_000);
  t.match(attempts, [{ sequence: 1 }]);
});
