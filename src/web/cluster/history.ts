/**
 * Pure: what every node has seen of elections, and what was asked for → one story. Times are each node's own, brought to the page's clock;
 * how long nobody led is measured on one clock at a time.
 */
import type { Heard } from './picture.ts';
import type { ActionWire, EventWire } from './wire.ts';

export type Cause =
  /** The first that anybody remembers. */
  | { readonly kind: 'first' }
  /** The one before was gone: its connections broke. */
  | { readonly kind: 'lost'; readonly gapMs: number | null }
  /** The one before was there, and not heard any more. */
  | { readonly kind: 'silent'; readonly gapMs: number | null }
  /** It handed over; `by`: who asked for it, null when it did so by itself, as at a clean stop. */
  | { readonly kind: 'handed-over'; readonly by: string | null };

export type Story =
  | {
      readonly kind: 'elected';
      readonly atMs: number;
      readonly term: number;
      readonly leader: number;
      readonly previous: number | null;
      readonly cause: Cause;
      readonly seenBy: readonly number[];
    }
  | {
      readonly kind: 'gone' | 'back';
      readonly atMs: number;
      readonly node: number;
      readonly seenBy: readonly number[];
    }
  | { readonly kind: 'started'; readonly atMs: number; readonly nodes: readonly number[] };

interface Seen {
  readonly by: number;
  /** On the page's clock. */
  readonly atMs: number;
  readonly event: EventWire;
}

/** What belongs to one election, or to one end of a node, lies within it. */
const windowMs = 5_000;
const storiesShown = 60;

/** Newest first. */
export function historyOf(
  heard: ReadonlyMap<number, Heard>,
  actions: readonly ActionWire[],
): readonly Story[] {
  const seen = [...heard].flatMap(([by, { wire, aheadMs }]) =>
    wire.events.map((event): Seen => ({ by, atMs: event.atMs - aheadMs, event })),
  );
  seen.sort((a, b) => a.atMs - b.atMs);
  const stories = [...electionsIn(seen, actions), ...comingsIn(seen), ...startsIn(seen)];
  return stories.sort((a, b) => b.atMs - a.atMs).slice(0, storiesShown);
}

interface Election {
  readonly term: number;
  readonly leader: number;
  readonly seen: readonly Seen[];
}

function electionsIn(seen: readonly Seen[], actions: readonly ActionWire[]): readonly Story[] {
  const byTerm = new Map<number, Election>();
  for (const one of seen) {
    if (one.event.kind !== 'leader' || one.event.leader === null) continue;
    const { term, leader } = one.event;
    byTerm.set(term, { term, leader, seen: [...(byTerm.get(term)?.seen ?? []), one] });
  }
  const elections = [...byTerm.values()].sort((a, b) => a.term - b.term);
  const wishes = wishesByTerm(elections, actions);
  return elections.map((election, at) => {
    const previous = elections[at - 1] ?? null;
    const { term, leader } = election;
    return {
      kind: 'elected',
      atMs: election.seen[0]?.atMs ?? 0,
      term,
      leader,
      previous: previous?.leader ?? null,
      cause: causeOf(election, previous, seen, wishes.get(term)),
      seenBy: observersOf(election.seen),
    };
  });
}

/** The hand-overs that were asked for and done, each with the election that it led to: the nearest that its heir won. */
function wishesByTerm(
  elections: readonly Election[],
  actions: readonly ActionWire[],
): ReadonlyMap<number, ActionWire> {
  const wishes = new Map<number, ActionWire>();
  for (const wish of actions) {
    if (wish.action !== 'transfer' || wish.outcome !== 'done') continue;
    const heirs = elections.filter(({ leader }) => wish.subject === '' || wish.subject === `node ${leader}`);
    const [nearest] = heirs
      .map(({ term, seen }) => ({ term, apartMs: Math.abs(wish.beganMs - (seen[0]?.event.atMs ?? 0)) }))
      .sort((a, b) => a.apartMs - b.apartMs);
    if (nearest !== undefined && nearest.apartMs < windowMs) wishes.set(nearest.term, wish);
  }
  return wishes;
}

function causeOf(
  election: Election,
  previous: Election | null,
  seen: readonly Seen[],
  wish: ActionWire | undefined,
): Cause {
  if (previous === null) return { kind: 'first' };
  // Whatever else was to be seen in those seconds: a connection may break beside it, a slow heir look like silence.
  if (wish !== undefined) return { kind: 'handed-over', by: wish.by.name ?? null };
  const [first] = election.seen;
  const untilMs = first?.atMs ?? 0;
  const before = seen.filter(({ atMs }) => atMs <= untilMs && atMs > untilMs - windowMs);
  const lost = before.filter((one) => isGone(one, previous.leader, before));
  if (lost.length > 0) return { kind: 'lost', gapMs: gapOf(election, lost) };
  const silent = before.filter(({ event }) => event.kind === 'leader' && event.leader === null);
  // Between a hand-over's two leaders a follower may know none for a moment.
  const gapMs = gapOf(election, silent);
  return gapMs === null || gapMs < silentMs ? { kind: 'handed-over', by: null } : { kind: 'silent', gapMs };
}

/** A connection with that node broke, and was not there again. */
function isGone({ by, atMs, event }: Seen, node: number, seen: readonly Seen[]): boolean {
  if (event.kind !== 'peer' || event.node !== node || event.up) return false;
  return !seen.some(
    (later) =>
      later.by === by &&
      later.atMs >= atMs &&
      later.event.kind === 'peer' &&
      later.event.node === node &&
      later.event.up,
  );
}

/** Below it a leader did not fall silent: nobody gives one up so soon. */
const silentMs = 100;

/** The longest that any one node was without a leader; null when none saw both ends. */
function gapOf(election: Election, ends: readonly Seen[]): number | null {
  const gaps = election.seen.flatMap((found) => {
    const end = ends.find(({ by, atMs }) => by === found.by && atMs <= found.atMs);
    return end === undefined ? [] : [found.atMs - end.atMs];
  });
  return gaps.length === 0 ? null : Math.max(...gaps);
}

/** Nodes that went, and came back. Of connections that come up the first ones say nothing. */
function comingsIn(seen: readonly Seen[]): readonly Story[] {
  const stories: (Extract<Story, { kind: 'gone' | 'back' }> & { seenBy: number[] })[] = [];
  for (const { by, atMs, event } of seen.filter((one) => !isReplaced(one, seen))) {
    if (event.kind !== 'peer') continue;
    const kind = event.up ? 'back' : 'gone';
    const last = stories.findLast(({ node }) => node === event.node);
    if (last?.kind === kind) {
      if (!last.seenBy.includes(by)) last.seenBy.push(by);
    } else if (kind === 'gone' || last !== undefined) {
      stories.push({ kind, atMs, node: event.node, seenBy: [by] });
    }
  }
  return stories.map((story) => ({ ...story, seenBy: [...story.seenBy].sort((a, b) => a - b) }));
}

/** Two nodes that call each other at once give up one of the connections: no process is back so soon. */
const replacedMs = 300;

function isReplaced(one: Seen, seen: readonly Seen[]): boolean {
  const { event, by, atMs } = one;
  if (event.kind !== 'peer') return false;
  return seen.some((other) => {
    const isPair =
      other.by === by &&
      other.event.kind === 'peer' &&
      other.event.node === event.node &&
      other.event.up !== event.up;
    const apartMs = event.up ? atMs - other.atMs : other.atMs - atMs;
    return isPair && apartMs >= 0 && apartMs < replacedMs;
  });
}

/** The start of each node that nobody saw come back, those at about the same time together. */
function startsIn(seen: readonly Seen[]): readonly Story[] {
  const groups: { atMs: number; nodes: number[] }[] = [];
  for (const { by, atMs, event } of seen) {
    if (event.kind !== 'started') continue;
    const isReturn = seen.some(
      (other) =>
        other.event.kind === 'peer' && other.event.node === by && !other.event.up && other.atMs < atMs,
    );
    if (isReturn) continue;
    const group = groups.at(-1);
    if (group !== undefined && atMs - group.atMs < windowMs) group.nodes.push(by);
    else groups.push({ atMs, nodes: [by] });
  }
  return groups.map(({ atMs, nodes }) => ({ kind: 'started', atMs, nodes: nodes.sort((a, b) => a - b) }));
}

function observersOf(seen: readonly Seen[]): readonly number[] {
  return [...new Set(seen.map(({ by }) => by))].sort((a, b) => a - b);
}
