import { type History, placeKey, requestKey, type Violation } from './history.ts';

/** Each acknowledged (client, n) has exactly one place, a retry is told the same one, and no place is told to two requests. */
export function checkUniqueSequence(history: History): Violation[] {
  const violations: Violation[] = [];
  const invoked = new Set<string>();
  const placeOf = new Map<string, string>();
  const requestAt = new Map<string, string>();
  for (const event of history) {
    if (event.kind === 'invoke') invoked.add(requestKey(event.client, event.n));
    if (event.kind !== 'ack') continue;
    const request = requestKey(event.client, event.n);
    const place = placeKey(event.conversation, event.sequence);
    const name = `${event.client} #${event.n}`;
    if (!invoked.has(request)) {
      violations.push({ kind: 'phantom', text: `${name} was acknowledged before it was sent` });
    }
    const earlier = placeOf.get(request);
    if (earlier !== undefined && earlier !== place) {
      const text = `${name} was acknowledged at ${show(earlier)} and again at ${show(place)}`;
      violations.push({ kind: 'duplicated', text });
    }
    const other = requestAt.get(place);
    if (other !== undefined && other !== request) {
      const text = `${show(place)} was told to ${other.replace('\n', ' #')} and to ${name}`;
      violations.push({ kind: 'diverged', text });
    }
    if (earlier === undefined) placeOf.set(request, place);
    if (other === undefined) requestAt.set(place, request);
  }
  return violations;
}

function show(place: string): string {
  return place.replace('\n', '/');
}
