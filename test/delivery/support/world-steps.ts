/** What time, the log and a reader may do between two messages, in whatever order. What is said, a test adds by itself. */
import fc from 'fast-check';
import { names, type World } from './outbox-world.ts';

export type WorldStep =
  | { readonly kind: 'apply'; readonly count: number; readonly told: boolean }
  | { readonly kind: 'reset' | 'open' | 'drop' }
  | { readonly kind: 'take'; readonly count: number }
  | { readonly kind: 'pass'; readonly ms: number; readonly readMs: number };

export const person = fc.nat({ max: names.length - 1 });
/** The one behind the last person is the group. */
export const address = fc.nat({ max: names.length });

/** For `fc.oneof`, with their weights. */
export const worldSteps: readonly fc.WeightedArbitrary<WorldStep>[] = [
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('apply'),
      count: fc.integer({ min: 1, max: 20 }),
      told: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset') }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('open') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop') }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('take'), count: fc.integer({ min: 1, max: 8 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass'),
      ms: fc.nat({ max: 600 }),
      readMs: fc.nat({ max: 3 }),
    }),
  },
];

interface Listener {
  open(): void;
  drop(): void;
  take(count: number): void;
}

export async function playWorld(world: World, reader: Listener, step: WorldStep): Promise<void> {
  switch (step.kind) {
    case 'apply':
      world.engine.applyAll(step.count);
      if (step.told) world.tell();
      return;
    case 'reset':
      world.engine.jump();
      return;
    case 'open':
      reader.open();
      return;
    case 'drop':
      reader.drop();
      return;
    case 'take':
      reader.take(step.count);
      return;
    case 'pass':
      world.readMs = step.readMs;
      await world.clock.advance(step.ms);
  }
}
