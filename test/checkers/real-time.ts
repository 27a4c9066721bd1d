import { type History, requestKey, type Violation } from './history.ts';

/**
 * If one send was acknowledged before another to the same conversation began, it has the smaller sequence. Going through the history
 * once, it is enough to know the highest sequence acknowledged so far: whatever begins now must come behind it.
 */
export function checkRealTime(history: History): Violation[] {
  const violations: Violation[] = [];
  const conversationOf = new Map<string, string>();
  for (const event of history) {
    if (event.kind === 'ack') conversationOf.set(requestKey(event.client, event.n), event.conversation);
  }
  const highest = new Map<string, Acknowledged>();
  const floor = new Map<string, Acknowledged>();
  for (const event of history) {
    if (event.kind === 'invoke') {
      const request = requestKey(event.client, event.n);
      const before = highest.get(conversationOf.get(request) ?? '');
      if (before !== undefined && !floor.has(request)) floor.set(request, before);
    } else if (event.kind === 'ack') {
      const name = `${event.client} #${event.n}`;
      const before = floor.get(requestKey(event.client, event.n));
      if (before !== undefined && event.sequence <= before.sequence) {
        const text =
          `${name} got ${event.conversation}/${event.sequence}, but began after ` +
          `${before.name} had been acknowledged at ${before.sequence}`;
        violations.push({ kind: 'reordered', text });
      }
      const top = highest.get(event.conversation);
      if (top === undefined || top.sequence < event.sequence) {
        highest.set(event.conversation, { name, sequence: event.sequence });
      }
    }
  }
  return violations;
}

interface Acknowledged {
  readonly name: string;
  readonly sequence: number;
}
