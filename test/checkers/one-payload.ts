import { type History, placeKey, type Violation } from './history.ts';

/** All readers see the same payload and the same log index at one place of a conversation; the indexes rise with the sequences. */
export function checkOnePayload(history: History): Violation[] {
  const violations: Violation[] = [];
  const first = new Map<
    string,
    { readonly reader: string; readonly payload: string; readonly index: number }
  >();
  for (const event of history) {
    if (event.kind !== 'read') continue;
    const place = placeKey(event.conversation, event.sequence);
    const known = first.get(place);
    if (known === undefined) {
      first.set(place, { reader: event.reader, payload: event.payload, index: event.index });
    } else if (known.payload !== event.payload || known.index !== event.index) {
      const text =
        `${event.conversation}/${event.sequence} is ${shorten(known.payload)} (index ${known.index}) to ${known.reader}, ` +
        `but ${shorten(event.payload)} (index ${event.index}) to ${event.reader}`;
      violations.push({ kind: 'diverged', text });
    }
  }
  return violations.concat(checkIndexes(history));
}

function checkIndexes(history: History): Violation[] {
  const violations: Violation[] = [];
  const bySequence = new Map<string, Map<number, number>>();
  for (const event of history) {
    if (event.kind !== 'read') continue;
    const places = bySequence.get(event.conversation) ?? new Map<number, number>();
    places.set(event.sequence, event.index);
    bySequence.set(event.conversation, places);
  }
  for (const [conversation, places] of bySequence) {
    let before: readonly [number, number] | undefined;
    for (const place of [...places].sort((a, b) => a[0] - b[0])) {
      if (before !== undefined && before[1] >= place[1]) {
        const text = `${conversation}/${before[0]} has log index ${before[1]}, ${conversation}/${place[0]} has ${place[1]}`;
        violations.push({ kind: 'diverged', text });
      }
      before = place;
    }
  }
  return violations;
}

function shorten(payload: string): string {
  return JSON.stringify(payload.length > 60 ? `${payload.slice(0, 60)}…` : payload);
}
