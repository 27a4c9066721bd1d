/**
 * How long a search takes: an index of so many messages in the process that a node uses, filled and asked over the same port. Words follow
 * Zipf's law, half of the messages are direct ones; who asks has many conversations and is in 50 groups.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '../../../src/base/logger.ts';
import { type Random, seededRandom } from '../../../src/base/prng.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { ChildIndex } from '../../../src/search/child-index.ts';
import type { SearchDocument } from '../../../src/search/ports.ts';
import { readWords } from '../../../src/search/words.ts';

export interface SearchRow {
  readonly question: string;
  readonly hits: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface SearchFigures {
  readonly messages: number;
  readonly indexedPerSecond: number;
  readonly rows: readonly SearchRow[];
}

const vocabulary = 30_000;
const wordsPerMessage = 12;
const accounts = 5_000;
const groups = 200;
const ownGroups = 50;
const batch = 256;
const asked = 200;

export async function measureSearch(
  messages: number,
  told: (row: SearchRow) => void,
): Promise<SearchFigures> {
  const root = await mkdtemp(join(tmpdir(), 'conclave-bench-search-'));
  const index = new ChildIndex(join(root, 'index.db'), systemClock, silentLogger);
  try {
    const random = seededRandom(1);
    const startMs = performance.now();
    for (let first = 1; first <= messages; first += batch) {
      const count = Math.min(batch, messages - first + 1);
      const documents = Array.from({ length: count }, (_, at) => documentAt(first + at, random));
      await index.write({ documents, places: [], gone: [], removed: [] });
    }
    const indexedPerSecond = Math.round(messages / ((performance.now() - startMs) / 1_000));
    const rows: SearchRow[] = [];
    for (const [question, typed] of Object.entries(questions)) {
      const row = await ask(index, question, typed, random);
      told(row);
      rows.push(row);
    }
    return { messages, indexedPerSecond, rows };
  } finally {
    await index.stop();
    await rm(root, { recursive: true, force: true });
  }
}

/** As somebody types them. A rank below 100 is a word that every few messages hold. */
const questions: Readonly<Record<string, (random: Random) => string>> = {
  'a common word': (random) => `${wordAt(random.below(20))} `,
  'a rare word': (random) => `${wordAt(5_000 + random.below(20_000))} `,
  'two common words': (random) => `${wordAt(random.below(20))} ${wordAt(random.below(20))} `,
  'a common and a rare word': (random) =>
    `${wordAt(random.below(20))} ${wordAt(5_000 + random.below(20_000))} `,
  'three words': (random) =>
    [0, 0, 0]
      .map(() => wordAt(random.below(1_000)))
      .join(' ')
      .concat(' '),
  'the beginning of a word': (random) => wordAt(100 + random.below(20_000)).slice(0, 4),
  'a phrase': (random) => `"${wordAt(random.below(100))} ${wordAt(random.below(100))}"`,
};

async function ask(
  index: ChildIndex,
  question: string,
  typed: (random: Random) => string,
  random: Random,
): Promise<SearchRow> {
  const times: number[] = [];
  let hits = 0;
  for (let at = 0; at < asked; at++) {
    const scopes = [`a${random.below(accounts)}`, 'lobby'];
    for (let group = 0; group < ownGroups; group++) scopes.push(`g${random.below(groups)}`);
    const words = readWords(typed(random));
    const startMs = performance.now();
    const found = await index.find({ words, scopes, also: [], conversation: null, before: null, limit: 20 });
    times.push(performance.now() - startMs);
    hits += found.length;
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => times[Math.floor(share * (times.length - 1))] ?? 0;
  return { question, hits: Math.round(hits / asked), p50Ms: at(0.5), p99Ms: at(0.99) };
}

function documentAt(id: number, random: Random): SearchDocument {
  const words = Array.from({ length: wordsPerMessage }, () => wordAt(rank(random)));
  const group = random.below(groups);
  const isDirect = id % 2 === 0;
  const scopes = isDirect ? [`a${random.below(accounts)}`, `a${random.below(accounts)}`] : [`g${group}`];
  const conversation = isDirect ? `d:${scopes[0]}:${scopes[1]}` : `g:${group}`;
  return { id, conversation, sequence: id, text: words.join(' '), scopes };
}

function rank(random: Random): number {
  return Math.min(vocabulary - 1, Math.floor(vocabulary ** random.fraction()) - 1);
}

/** Letters only, so that beginnings are shared as in a language. */
function wordAt(rank: number): string {
  let word = '';
  for (let left = rank + 1; left > 0; left = Math.floor(left / 21))
    word += 'bacdefghiklmnoprstuvz'[left % 21] ?? '';
  return `${word}${word.length < 3 ? 'en' : ''}`;
}
