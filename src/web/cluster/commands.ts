/** What the buttons ask the cluster for. A request that may be repeated goes from one member to the next until one can answer. */
import { type Caller, type Said, textIn } from './ports.ts';
import type { Watch } from './watch.ts';

export interface NewPlace {
  readonly host: string;
  readonly peerPort: number;
  readonly chatPort: number;
  readonly httpPort: number;
}

export type Order =
  | { readonly kind: 'lead'; readonly node: number }
  | { readonly kind: 'kill'; readonly node: number }
  | { readonly kind: 'remove'; readonly node: number }
  | { readonly kind: 'replace'; readonly node: number }
  /** `place` null: it runs already and says itself where. */
  | { readonly kind: 'add'; readonly node: number; readonly place: NewPlace | null };

export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly text: string }
  /** Nobody said what became of it. */
  | { readonly kind: 'unknown' };

export async function carryOut(order: Order, watch: Watch, caller: Caller, tag: string): Promise<Outcome> {
  const outcome = await ask(order, watch, caller, tag);
  await watch.hurry();
  return outcome;
}

async function ask(order: Order, watch: Watch, caller: Caller, tag: string): Promise<Outcome> {
  switch (order.kind) {
    case 'kill': {
      const place = watch.placeOf(order.node);
      return place === null
        ? { kind: 'unknown' }
        : outcomeOf(await caller.post(place, '/api/v1/admin/kill', {}));
    }
    case 'lead':
      return askAny(watch, caller, '/api/v1/admin/transfer', { node: order.node });
    case 'add': {
      const change = { kind: 'add', node: order.node, place: order.place, promote: true };
      return askAny(watch, caller, '/api/v1/admin/members', { tag, change });
    }
    case 'remove':
    case 'replace': {
      const change = { kind: order.kind, node: order.node };
      return askAny(watch, caller, '/api/v1/admin/members', { tag, change }, order.node);
    }
    default:
      return order satisfies never;
  }
}

async function askAny(
  watch: Watch,
  caller: Caller,
  path: string,
  body: unknown,
  last?: number,
): Promise<Outcome> {
  let outcome: Outcome | null = null;
  for (const place of watch.answering(last)) {
    const said = await caller.post(place, path, body);
    const answer = outcomeOf(said);
    if (answer.kind === 'done') return answer;
    // Once it may have happened, a later refusal says nothing about that.
    if (outcome?.kind !== 'unknown') outcome = answer;
    if (said !== null && said.status !== 503) break;
  }
  return outcome ?? { kind: 'unknown' };
}

function outcomeOf(said: Said | null): Outcome {
  if (said === null || said.status === 504) return { kind: 'unknown' };
  if (said.status === 200) return { kind: 'done' };
  return { kind: 'refused', text: textIn(said, 'text') ?? textIn(said, 'detail') ?? `HTTP ${said.status}` };
}
