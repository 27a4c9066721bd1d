/**
 * Whoever follows the events: each amendment comes once and in order, and in the end each message looks as it does to whoever asks. An amendment
 * that a reader was never told of is found here.
 */
import type { AmendedEntry } from '../../src/protocol/amendments.ts';
import type { MessageEntry } from '../../src/protocol/requests.ts';
import { placeKey, type Violation } from './history.ts';

interface Look {
  readonly text: string;
  readonly deleted: boolean;
  readonly reactions: string;
}

export class Followers {
  /** Reader, then place. */
  readonly #looks = new Map<string, Map<string, Look>>();
  /** Reader, then conversation: the last revision that it was told. */
  readonly #revisions = new Map<string, Map<string, number>>();
  readonly #violations: Violation[] = [];

  message(reader: string, message: MessageEntry): void {
    of(this.#looks, reader).set(placeKey(message.conversation, message.sequence), lookOf(message));
  }

  amended(reader: string, entry: AmendedEntry): void {
    this.#count(reader, entry);
    const looks = of(this.#looks, reader);
    const place = placeKey(entry.conversation, entry.sequence);
    const known = looks.get(place);
    if (known !== undefined) looks.set(place, amendedLook(known, entry));
  }

  /** When all is quiet: `messages` as one who asks is shown them. */
  check(reader: string, messages: readonly MessageEntry[]): void {
    for (const message of messages) {
      const { conversation, sequence } = message;
      const known = of(this.#looks, reader).get(placeKey(conversation, sequence));
      const [shown, there] = [JSON.stringify(known), JSON.stringify(lookOf(message))];
      if (known === undefined || shown === there) continue;
      const text = `${reader} shows ${conversation}/${sequence} as ${shown}, and it is ${there}`;
      this.#violations.push({ kind: 'diverged', text });
    }
  }

  get violations(): readonly Violation[] {
    return this.#violations;
  }

  #count(reader: string, { conversation, revision }: AmendedEntry): void {
    const revisions = of(this.#revisions, reader);
    const last = revisions.get(conversation) ?? 0;
    revisions.set(conversation, Math.max(last, revision));
    if (revision > last) return;
    const text = `${reader} was told revision ${revision} of ${conversation} behind revision ${last}`;
    this.#violations.push({ kind: revision === last ? 'duplicated' : 'reordered', text });
  }
}

function lookOf({ text, deleted, reactions }: MessageEntry): Look {
  return { text, deleted: deleted === true, reactions: JSON.stringify(reactions ?? []) };
}

function amendedLook(known: Look, entry: AmendedEntry): Look {
  if ('text' in entry) return { ...known, text: entry.text };
  if ('reactions' in entry) return { ...known, reactions: JSON.stringify(entry.reactions) };
  return { text: '(deleted)', deleted: true, reactions: '[]' };
}

function of<Value>(maps: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  const known = maps.get(key) ?? new Map<string, Value>();
  maps.set(key, known);
  return known;
}
