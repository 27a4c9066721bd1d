/** What has become of messages reaches every reader, however its connections, the store and the log interleave. */
import fc from 'fast-check';
import t from 'tap';
import { decodeMessage } from '../../src/chat/codecs/message-codec.ts';
import type { AmendmentCommand } from '../../src/chat/vocabulary/amendment-types.ts';
import { Outbox } from '../../src/delivery/outbox.ts';
import type { AmendmentPush, Push, Sink } from '../../src/delivery/ports.ts';
import { presentForms } from '../../src/delivery/present-form.ts';
import { textOf } from '../chat/support/world.ts';
import { settle } from '../support/virtual-clock.ts';
import { pushBytes, World } from './support/outbox-world.ts';
import { address, person, playWorld, type WorldStep, worldSteps } from './support/world-steps.ts';

/** How a message looks to a reader. */
interface Shown {
  text: string;
  deleted: boolean;
  reactions: string;
}

/** Keeps what a program would: each message as it is shown, and the cursor. */
class Screen implements Sink {
  readonly #world: World;
  readonly #account: number;
  readonly lags = false;
  readonly shown = new Map<string, Shown>();
  readonly indexes: number[] = [];
  #queue: (Push | AmendmentPush)[] = [];
  #outbox: Outbox | null = null;

  constructor(world: World, account: number) {
    this.#world = world;
    this.#account = account;
  }

  get cursor(): number | undefined {
    return this.indexes.at(-1);
  }

  open(): void {
    if (this.#outbox !== null) return;
    const index = this.cursor;
    this.#outbox = new Outbox(this.#world.ports, {
      account: this.#account,
      start:
        index === undefined
          ? { kind: 'delivered', delivered: () => 0, lobbyAfter: null }
          : { kind: 'after', index },
      sink: this,
      accountDeleted: () => undefined,
      backlogMessages: 7,
    });
  }

  drop(): void {
    this.#outbox?.close();
    this.#outbox = null;
    this.#queue = [];
  }

  take(count: number): void {
    const taken = this.#queue.splice(0, count);
    for (const push of taken) this.#show(push);
    this.#outbox?.taken(taken.length * pushBytes);
  }

  push(push: Push): number {
    this.#queue.push(push);
    return pushBytes;
  }

  amended(push: AmendmentPush): number {
    this.#queue.push(push);
    return pushBytes;
  }

  caughtUp(): void {
    // Nothing is shown for it.
  }

  cut(): void {
    this.drop();
  }

  #show(push: Push | AmendmentPush): void {
    if (push.kind === 'message') {
      const { message, state } = push;
      this.indexes.push(message.index);
      this.shown.set(`${message.conversation} ${message.sequence}`, {
        text: textOf(message.body),
        deleted: state.deleted === true,
        reactions: JSON.stringify(state.reactions ?? []),
      });
      return;
    }
    const { entry } = push;
    this.indexes.push(entry.index);
    const known = this.shown.get(`${entry.conversation} ${entry.sequence}`);
    if (known === undefined) throw new Error('an amendment of a message that was not shown');
    if ('text' in entry) known.text = entry.text;
    else if ('reactions' in entry) known.reactions = JSON.stringify(entry.reactions);
    else Object.assign(known, { deleted: true, text: '(deleted)', reactions: '[]' });
  }
}

type Step =
  | { readonly kind: 'send'; readonly from: number; readonly to: number }
  | { readonly kind: 'amend'; readonly which: number; readonly how: number }
  | WorldStep;

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ kind: fc.constant('send' as const), from: person, to: address }),
    },
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('amend' as const), which: fc.nat(), how: fc.nat({ max: 5 }) }),
    },
    ...worldSteps,
  ),
  { minLength: 20, maxLength: 80 },
);

/** Of the message that is the `which`th of those applied. */
async function amend(world: World, which: number, how: number): Promise<void> {
  const sent = await allSent(world);
  const message = sent[which % Math.max(1, sent.length)];
  if (message === undefined) return;
  const { conversation, sequence, index, from } = message;
  const reference = { conversation, sequence, index, from };
  const commands: readonly AmendmentCommand[] = [
    { kind: 'edit-message', message: reference, text: `text ${which}` },
    { kind: 'react', message: reference, reaction: 'a', present: true },
    { kind: 'react', message: reference, reaction: 'b', present: true },
    { kind: 'react', message: reference, reaction: 'a', present: false },
    { kind: 'edit-message', message: reference, text: 'again' },
    { kind: 'delete-message', message: reference },
  ];
  const command = commands[how];
  if (command !== undefined) world.append(from, command);
}

async function allSent(world: World) {
  const { machine, store } = world.engine;
  const conversations = machine.conversationsOf(world.accounts[0] ?? 0);
  const pages = conversations.map(async ({ id, lastSequence }) =>
    (await store.readStream(id, { from: 1, to: lastSequence, limit: 10_000 })).map(({ sequence, record }) =>
      decodeMessage(id, sequence, record),
    ),
  );
  return (await Promise.all(pages)).flat();
}

async function play(world: World, screen: Screen, step: Step): Promise<void> {
  switch (step.kind) {
    case 'send':
      world.send(step.from, step.to, 'as sent');
      return;
    case 'amend':
      await amend(world, step.which, step.how);
      return;
    default:
      await playWorld(world, screen, step);
  }
}

/** What every reader must see in the end: by conversation and sequence. */
async function present(world: World): Promise<ReadonlyMap<string, Shown>> {
  const { machine: view, store } = world.engine;
  const messages = await presentForms({ view, store, pause: settle }, await allSent(world));
  return new Map(
    messages.map(({ message, state }) => [
      `${message.conversation} ${message.sequence}`,
      {
        text: textOf(message.body),
        deleted: state.deleted === true,
        reactions: JSON.stringify(state.reactions ?? []),
      },
    ]),
  );
}

t.test('amendments: whatever interleaves, a reader that resumes ends with what the state holds', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (plan, crowd) => {
      const world = new World({ crowd });
      const screen = new Screen(world, world.accounts[0] ?? 0);
      for (const step of plan) await play(world, screen, step);
      world.apply();
      world.readMs = 0;
      // The last thing to come: once it has, so has everything.
      world.send(0, 0, 'the end');
      world.apply();
      for (let round = 0; round < 5_000 && screen.cursor !== world.engine.index; round++) {
        screen.open();
        await world.clock.advance(2);
        screen.take(3);
      }
      const ascending = screen.indexes.every(
        (index, at) => at === 0 || index > (screen.indexes[at - 1] ?? 0),
      );
      if (!ascending) throw new Error(`out of order or twice: ${screen.indexes.join(' ')}`);
      const expected = await present(world);
      const differs = [...expected].find(([place, shown]) => {
        return JSON.stringify(screen.shown.get(place)) !== JSON.stringify(shown);
      });
      if (differs !== undefined) {
        throw new Error(
          `${JSON.stringify(differs)} is shown as ${JSON.stringify(screen.shown.get(differs[0]))}`,
        );
      }
    }),
    { numRuns: 60 },
  );
});

t.test(
  'amendments: a message that is deleted while it waits for its reader is not handed over',
  async (t) => {
    const world = new World();
    const reader = new Screen(world, world.accounts[0] ?? 0);
    reader.open();
    await settle();
    for (let at = 0; at < 6; at++) world.send(1, 0, `${at}`);
    world.apply();
    const [last] = (await allSent(world)).slice(-1);
    if (last === undefined) throw new Error('nothing was sent');
    const { conversation, sequence, index, from } = last;
    world.append(from, { kind: 'delete-message', message: { conversation, sequence, index, from } });
    world.apply();
    reader.take(5);
    await settle();
    reader.take(5);
    t.same(
      [...reader.shown.values()].map(({ text }) => text),
      ['0', '1', '2', '3', '4', '(deleted)'],
    );
  },
);

t.test('amendments: a reader of a dialect that shows none is handed none', async (t) => {
  const world = new World();
  const texts: string[] = [];
  new Outbox(world.ports, {
    account: world.accounts[0] ?? 0,
    start: { kind: 'after', index: world.engine.index },
    sink: {
      lags: false,
      push: (push) => texts.push(textOf(push.message.body)),
      caughtUp: () => undefined,
      cut: () => undefined,
    },
    accountDeleted: () => undefined,
  });
  await settle();
  world.send(1, 0, 'one');
  world.apply();
  await amend(world, 0, 0);
  world.send(1, 0, 'two');
  world.apply();
  await settle();
  t.same(texts, ['one', 'two']);
});
