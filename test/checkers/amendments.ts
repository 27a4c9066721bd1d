import type { Violation } from './history.ts';

/** What a message becomes. A text is sent once and never again, so that it names its edit. */
export type Change = { readonly text: string } | 'deleted' | 'reaction';

/** In the order in which one observer saw it. `place` names the message. */
export type AmendmentEvent =
  | { readonly kind: 'ask'; readonly id: number; readonly place: string; readonly change: Change }
  | { readonly kind: 'told'; readonly id: number; readonly revision: number }
  | { readonly kind: 'refused'; readonly id: number; readonly code: string }
  | {
      readonly kind: 'shown';
      readonly reader: string;
      readonly place: string;
      /** 0: as it was sent. */
      readonly revision: number;
      /** As it was sent, whatever it says now. */
      readonly original: string;
      /** Null: deleted. */
      readonly text: string | null;
      /** Events that had happened when this reader asked; null for one that is told when there is something to tell. */
      readonly since: number | null;
    };

type Ask = Extract<AmendmentEvent, { kind: 'ask' }>;
type Shown = Extract<AmendmentEvent, { kind: 'shown' }>;

/**
 * Edits, deletions and reactions from the users' side: nobody is shown what nobody asked for, or what was refused; at one revision a
 * message says the same to everybody; and who asks after an amendment was acknowledged is shown it, or a later one.
 */
export function checkAmendments(events: readonly AmendmentEvent[]): Violation[] {
  const violations: Violation[] = [];
  const asked = new Map<number, Ask>();
  const changes = new Map<string, Set<string | null>>();
  const texts = new Map<string, string | null>();
  const told = new Map<string, { readonly at: number; readonly revision: number }[]>();
  const says = (place: string, revision: number, text: string | null, who: string): void => {
    const key = `${place} at revision ${revision}`;
    const known = texts.get(key);
    if (known === undefined) texts.set(key, text);
    else if (known !== text) violations.push(differs(key, known, text, who));
  };
  for (const [at, event] of events.entries()) {
    if (event.kind === 'ask') {
      asked.set(event.id, event);
      const change = changeOf(event);
      if (change === undefined) continue;
      changes.set(event.place, (changes.get(event.place) ?? new Set()).add(change));
    } else if (event.kind === 'told') {
      const ask = asked.get(event.id);
      if (ask === undefined) continue;
      told.set(ask.place, [...(told.get(ask.place) ?? []), { at, revision: event.revision }]);
      const change = changeOf(ask);
      if (change !== undefined) says(ask.place, event.revision, change, 'its author');
    } else if (event.kind === 'shown') {
      const { place, revision, text, original, reader, since } = event;
      if (text !== original && changes.get(place)?.has(text) !== true) violations.push(phantom(event));
      if (revision > 0) says(place, revision, text, reader);
      const due = (told.get(place) ?? []).filter((one) => since !== null && one.at < since);
      const newest = Math.max(0, ...due.map((one) => one.revision));
      if (revision < newest) violations.push(stale(event, newest));
    }
  }
  return [...violations, ...checkRefused(events, asked), ...checkMissing(events, asked)];
}

/** What a text becomes by it; undefined: nothing. */
function changeOf({ change }: Ask): string | null | undefined {
  if (change === 'reaction') return undefined;
  return change === 'deleted' ? null : change.text;
}

function checkRefused(events: readonly AmendmentEvent[], asked: ReadonlyMap<number, Ask>): Violation[] {
  const refused = new Set<string>();
  for (const event of events) {
    const ask = event.kind === 'refused' ? asked.get(event.id) : undefined;
    const text = ask === undefined ? undefined : changeOf(ask);
    if (ask !== undefined && typeof text === 'string') refused.add(text);
  }
  const shown = events.filter(
    (event): event is Shown => event.kind === 'shown' && event.text !== null && refused.has(event.text),
  );
  return shown.map(({ place, text, reader }) => ({
    kind: 'rejected-applied',
    text: `${reader} is shown ${place} as "${text}", an edit that was refused`,
  }));
}

/** A message is there until somebody asks for its deletion. */
function checkMissing(events: readonly AmendmentEvent[], asked: ReadonlyMap<number, Ask>): Violation[] {
  const violations: Violation[] = [];
  const deleted = new Set<string>();
  for (const event of events) {
    if (event.kind === 'ask' && event.change === 'deleted') deleted.add(event.place);
    const ask =
      event.kind === 'refused' && event.code === 'UNKNOWN_MESSAGE' ? asked.get(event.id) : undefined;
    if (ask === undefined || deleted.has(ask.place)) continue;
    violations.push({ kind: 'refused', text: `${ask.place} is said to be gone, and nobody had deleted it` });
  }
  return violations;
}

function phantom({ reader, place, text }: Shown): Violation {
  const what = text === null ? 'as deleted' : `as "${text}"`;
  return { kind: 'phantom', text: `${reader} is shown ${place} ${what}, which nobody had asked for` };
}

function differs(key: string, known: string | null, text: string | null, who: string): Violation {
  const said = (one: string | null): string => (one === null ? 'deleted' : `"${one}"`);
  return { kind: 'diverged', text: `${key} is ${said(known)}, and for ${who} ${said(text)}` };
}

function stale({ reader, place, revision }: Shown, newest: number): Violation {
  const text = `${reader} is shown ${place} at revision ${revision}, and had asked after revision ${newest} was acknowledged`;
  return { kind: 'stale', text };
}
