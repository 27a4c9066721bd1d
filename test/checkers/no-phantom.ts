import type { History, Violation } from './history.ts';

/** Everything that was read had been sent before, by somebody. */
export function checkNoPhantom(history: History): Violation[] {
  const violations: Violation[] = [];
  const begun = new Set<string>();
  for (const event of history) {
    if (event.kind === 'invoke') begun.add(event.text);
    if (event.kind !== 'read' || begun.has(event.payload)) continue;
    const place = `${event.conversation}/${event.sequence}`;
    const text = `${place} holds ${JSON.stringify(event.payload)}, which nobody had sent when ${event.reader} read it`;
    violations.push({ kind: 'phantom', text });
  }
  return violations;
}
