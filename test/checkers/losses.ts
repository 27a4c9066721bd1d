import { type Acknowledge, type History, type Read, requestKey, sendsOf, type Violation } from './history.ts';

/**
 * Every acknowledged message is with every reader that says it has the whole conversation, at the place that was told and with the text
 * that was sent. A subscriber must have all that was acknowledged before it was complete, from sequence 1 on; a scan all that was
 * acknowledged before it began, from its first message on (a scan may be limited to the newest).
 */
export function checkLosses(history: History): Violation[] {
  const violations: Violation[] = [];
  const tracks = tracksOf(history);
  const known = knownPlaces(history);
  const texts = sendsOf(history);
  const acknowledged = new Map<string, Acknowledge[]>();
  const begun = new Map<string, number>();
  for (const event of history) {
    if (event.kind === 'ack') {
      const list = acknowledged.get(event.conversation) ?? [];
      list.push(event);
      acknowledged.set(event.conversation, list);
    } else if (event.kind === 'begin') {
      begun.set(trackKey(event), acknowledged.get(event.conversation)?.length ?? 0);
    } else if (event.kind === 'complete') {
      const scanned = begun.get(trackKey(event));
      const due = (acknowledged.get(event.conversation) ?? []).slice(0, scanned);
      const track = tracks.get(trackKey(event)) ?? noTrack;
      const from = scanned === undefined ? 1 : track.first;
      for (const ack of due) {
        if (ack.sequence < from) continue;
        const text = texts.get(requestKey(ack.client, ack.n))?.text;
        const read = track.reads.get(ack.sequence);
        if (read !== undefined && (text === undefined || read.payload === text)) continue;
        violations.push(loss(event.reader, ack, read, scanned !== undefined && known.has(placeOf(ack))));
      }
    }
  }
  return violations;
}

interface Track {
  first: number;
  readonly reads: Map<number, Read>;
}

const noTrack: Track = { first: 1, reads: new Map() };

function tracksOf(history: History): ReadonlyMap<string, Track> {
  const tracks = new Map<string, Track>();
  for (const event of history) {
    if (event.kind !== 'read') continue;
    const track = tracks.get(trackKey(event)) ?? { first: event.sequence, reads: new Map<number, Read>() };
    track.first = Math.min(track.first, event.sequence);
    track.reads.set(event.sequence, event);
    tracks.set(trackKey(event), track);
  }
  return tracks;
}

function loss(reader: string, ack: Acknowledge, read: Read | undefined, elsewhere: boolean): Violation {
  const name = `${ack.client} #${ack.n}, acknowledged at ${placeOf(ack)},`;
  if (read !== undefined) {
    return {
      kind: 'lost',
      text: `${name} is not there for ${reader}, who read ${JSON.stringify(read.payload)}`,
    };
  }
  return elsewhere
    ? { kind: 'stale', text: `${name} is missing for ${reader}, who read too old a state` }
    : { kind: 'lost', text: `${name} is missing for ${reader}` };
}

function knownPlaces(history: History): ReadonlySet<string> {
  const places = new Set<string>();
  for (const event of history) if (event.kind === 'read') places.add(placeOf(event));
  return places;
}

function trackKey(of: { readonly reader: string; readonly conversation: string }): string {
  return `${of.reader}\n${of.conversation}`;
}

function placeOf(at: { readonly conversation: string; readonly sequence: number }): string {
  return `${at.conversation}/${at.sequence}`;
}
