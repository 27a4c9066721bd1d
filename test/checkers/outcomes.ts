import { type History, type Send, sendsOf, type Violation } from './history.ts';

/**
 * An acknowledged send stands at one place, one whose outcome is unknown at none or one, a rejected one at none. Judged by text; texts
 * need not be unique: as many places may hold a text as there are sends of it that may have happened.
 */
export function checkOutcomes(history: History): Violation[] {
  const violations: Violation[] = [];
  const sends = sendsByText(history);
  for (const [text, places] of placesByText(history)) {
    const all = sends.get(text);
    // A text that nobody sent is a phantom: not judged here.
    if (all === undefined) continue;
    const rejected = all.filter((send) => send.outcome === 'rejected');
    if (places.size <= all.length - rejected.length) continue;
    const names = (list: readonly Send[]): string =>
      list.map((send) => `${send.client} #${send.n}`).join(', ');
    const stands = `${JSON.stringify(text)} stands at ${[...places].join(', ')}`;
    violations.push(
      rejected.length === 0
        ? { kind: 'duplicated', text: `${stands}, but was sent ${all.length} time(s): ${names(all)}` }
        : { kind: 'rejected-applied', text: `${stands}, but was rejected: ${names(rejected)}` },
    );
  }
  return violations.concat(contradictions(history));
}

/** No request is both acknowledged and rejected: the first answer is the answer. */
function contradictions(history: History): Violation[] {
  const violations: Violation[] = [];
  const answers = new Map<string, 'ack' | 'rejected'>();
  for (const event of history) {
    if (event.kind !== 'ack' && event.kind !== 'rejected') continue;
    const name = `${event.client} #${event.n}`;
    const earlier = answers.get(name);
    if (earlier !== undefined && earlier !== event.kind) {
      violations.push({ kind: 'diverged', text: `${name} was both acknowledged and rejected` });
    }
    answers.set(name, event.kind);
  }
  return violations;
}

function sendsByText(history: History): ReadonlyMap<string, readonly Send[]> {
  const byText = new Map<string, Send[]>();
  for (const send of sendsOf(history).values()) {
    const same = byText.get(send.text) ?? [];
    same.push(send);
    byText.set(send.text, same);
  }
  return byText;
}

function placesByText(history: History): ReadonlyMap<string, ReadonlySet<string>> {
  const places = new Map<string, Set<string>>();
  for (const event of history) {
    if (event.kind !== 'read') continue;
    const seen = places.get(event.payload) ?? new Set<string>();
    seen.add(`${event.conversation}/${event.sequence}`);
    places.set(event.payload, seen);
  }
  return places;
}
