import t from 'tap';
import { limits } from '../../src/base/limits.ts';
import { type Random, seededRandom } from '../../src/base/prng.ts';
import { RequestQueue } from '../../src/client/request-queue.ts';

const now = 1_700_000_000_000;

/** A life of a program that takes up a session: the numbers of its first so many requests. */
function life(highest: number, wallMs: number, random: Random, count = 3): number[] {
  const queue = new RequestQueue({ random, giveUpMs: 1_000, readGiveUpMs: 1_000 });
  queue.skipNumbers(highest, wallMs);
  for (let i = 0; i < count; i++) queue.add({ op: 'send', to: 'bob', text: `${i}` }, 0, () => undefined);
  return queue.take(0).map((part) => JSON.parse(part).n);
}

t.test(
  'request queue: lives that are told the same highest number give none twice, and later ones higher',
  async (t) => {
    let last = 0;
    for (let i = 0; i < 50; i++) {
      const numbers = life(6, now + i, seededRandom(i), limits.inFlightPerSession);
      t.equal(numbers.length, limits.inFlightPerSession);
      t.ok(Number(numbers[0]) > last, 'behind all of the life before');
      last = Number(numbers.at(-1));
    }
    t.ok(Number.isSafeInteger(last));
  },
);

t.test(
  'request queue: with a clock that tells nothing it goes on behind the highest number, at a place by chance',
  async (t) => {
    const random = seededRandom(3);
    const highest = now * 2 ** 11 + 70;
    for (const wallMs of [0, now - 1_000, now, 2 ** 45, Number.NaN]) {
      const places = new Set<number>();
      for (let i = 0; i < 20; i++) {
        const [first = 0, second = 0] = life(highest, wallMs, random);
        t.ok(first > highest + limits.inFlightPerSession, 'none that a former life may have under way');
        t.ok(Number.isSafeInteger(first) && second === first + 1);
        places.add(first);
      }
      t.ok(places.size > 15, `${places.size} of 20 are different`);
    }
  },
);

t.test(
  'request queue: what changes who asks leaves when nothing is under way, and nothing leaves beside it',
  async (t) => {
    const queue = new RequestQueue({ random: seededRandom(1), giveUpMs: 1_000, readGiveUpMs: 1_000 });
    const ignored = (): void => undefined;
    // What an answer says does not matter here.
    const value = { op: 'logout' } as const;
    const leaving = (): string[] => queue.take(0).map((part) => JSON.parse(part).op);
    queue.add({ op: 'send', to: 'bob', text: 'as ann' }, 0, ignored);
    queue.add({ op: 'users' }, 0, ignored);
    queue.add({ op: 'login', user: 'eve', password: 'pw' }, 0, ignored);
    queue.add({ op: 'send', to: 'bob', text: 'as eve' }, 0, ignored);
    t.same(leaving(), ['send', 'users']);
    queue.reply({ n: 1, ok: true, value }, 0);
    t.same(leaving(), [], 'a read is under way');
    queue.reply({ q: 1, ok: true, value }, 0);
    t.same(leaving(), ['login']);
    queue.disconnected(0);
    t.same(leaving(), ['login'], 'repeated, alone as well');
    queue.reply({ n: 2, ok: true, value }, 0);
    t.same(leaving(), ['send']);
  },
);
