import type { History, Violation } from './history.ts';

/**
 * Each reader gets each conversation in ascending order, every message once, none left out between the first and the last one it
 * got. Where a reader starts is not judged here: see `losses.ts`.
 */
export function checkReaderOrder(history: History): Violation[] {
  const tracks = new Map<string, Track>();
  const violations: Violation[] = [];
  for (const event of history) {
    if (event.kind !== 'read') continue;
    const { reader, conversation, sequence } = event;
    const key = `${reader}\n${conversation}`;
    const track = tracks.get(key);
    if (track === undefined) {
      const name = `reader ${reader} of ${conversation}`;
      tracks.set(key, { name, lowest: sequence, highest: sequence, seen: new Set([sequence]) });
      continue;
    }
    const violation = advance(track, sequence);
    if (violation !== null) violations.push(violation);
  }
  for (const track of tracks.values()) violations.push(...gaps(track));
  return violations;
}

interface Track {
  readonly name: string;
  lowest: number;
  highest: number;
  readonly seen: Set<number>;
}

function advance(track: Track, sequence: number): Violation | null {
  const before = track.highest;
  const again = track.seen.has(sequence);
  track.seen.add(sequence);
  track.lowest = Math.min(track.lowest, sequence);
  track.highest = Math.max(track.highest, sequence);
  if (sequence > before) return null;
  if (again) return { kind: 'duplicated', text: `${track.name} got ${sequence} twice` };
  return { kind: 'reordered', text: `${track.name} got ${sequence} after ${before}` };
}

/** A long gap is one mistake more than it is many: only its first messages are named. */
const namedPerTrack = 100;

function gaps(track: Track): Violation[] {
  const violations: Violation[] = [];
  const missing = track.highest - track.lowest + 1 - track.seen.size;
  const named = Math.min(missing, namedPerTrack);
  for (let sequence = track.lowest; violations.length < named; sequence++) {
    if (track.seen.has(sequence)) continue;
    violations.push({
      kind: 'lost',
      text: `${track.name} got ${track.highest} without ever getting ${sequence}`,
    });
  }
  return violations;
}
