/** What can become of a file while nobody looks. */
import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Random } from '../../../../src/base/prng.ts';

export const harmKinds = [
  'flip',
  'truncation',
  'deletion',
  'stale',
  'exchange',
  'swapped-segment',
  'zeros',
  'garbage',
] as const;

export type HarmKind = (typeof harmKinds)[number];

export interface Harm {
  readonly kind: HarmKind;
  /** Within the data directory. */
  readonly file: string;
  readonly detail: string;
}

/** One in so many is of this kind. */
const weights: Readonly<Record<HarmKind, number>> = {
  flip: 9,
  truncation: 3,
  deletion: 2,
  stale: 2,
  exchange: 1,
  'swapped-segment': 1,
  zeros: 1,
  garbage: 1,
};

/** A sector. */
const BLOT_BYTES = 512;

export async function filesBelow(root: string): Promise<readonly string[]> {
  const found = await readdir(root, { recursive: true, withFileTypes: true });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();
}

/** Kinds of files: what is counted together. */
export function classOf(file: string): string {
  if (/^wal\/.*\.log$/.test(file)) return 'wal segment';
  if (/\.ldb$/.test(file)) return 'level table';
  if (/\/\d+\.log$/.test(file)) return 'level journal';
  if (/\/MANIFEST-/.test(file)) return 'level MANIFEST';
  if (/\/SEAL$/.test(file)) return 'state SEAL';
  if (/\/CURRENT$/.test(file)) return 'level CURRENT';
  if (/\/LO(G|G\.old|CK)$/.test(file)) return 'level LOG and LOCK';
  return file;
}

/**
 * Does one harm to a directory, picked by chance: half of the time to a kind of file whatever its size, else to a byte whatever its file. `earlier`
 * are directories of the same node as they were at earlier stops. Null when what was picked cannot be done here.
 */
export async function harm(root: string, earlier: readonly string[], random: Random): Promise<Harm | null> {
  const contents = new Map<string, Buffer>();
  for (const file of await filesBelow(root)) contents.set(file, await readFile(join(root, file)));
  const file = pickFile(contents, random);
  const content = contents.get(file) ?? Buffer.alloc(0);
  const kind = pickKind(random);
  const at = random.below(Math.max(1, content.length));
  const path = join(root, file);
  const done = (detail: string): Harm => ({ kind, file, detail });
  switch (kind) {
    case 'flip': {
      if (content.length === 0) return null;
      const bit = random.below(8);
      content[at] = (content[at] ?? 0) ^ (1 << bit);
      await writeFile(path, content);
      return done(`bit ${bit} of byte ${at}`);
    }
    case 'truncation':
      await truncate(path, at);
      return done(`to ${at} of ${content.length} bytes`);
    case 'deletion':
      await rm(path);
      return done('');
    case 'stale':
      return (await putStale(path, file, content, earlier, random)) ? done('') : null;
    case 'exchange': {
      const other = pickFile(contents, random);
      await exchange(root, [file, content], [other, contents.get(other) ?? content]);
      return done(`with ${other}`);
    }
    case 'swapped-segment': {
      const segments = [...contents.keys()].filter((name) => classOf(name) === 'wal segment');
      const [segment, from] = [random.below(segments.length), random.below(segments.length)].map(
        (at) => segments[at],
      );
      if (segment === undefined || from === undefined || segment === from) return null;
      await writeFile(join(root, segment), contents.get(from) ?? content);
      return { kind, file: segment, detail: `by ${from}` };
    }
    case 'zeros':
    case 'garbage': {
      const blot = Buffer.alloc(Math.min(BLOT_BYTES, content.length - at));
      if (kind === 'garbage') for (let i = 0; i < blot.length; i++) blot[i] = random.below(256);
      content.set(blot, at);
      await writeFile(path, content);
      return done(`${blot.length} bytes from ${at} on`);
    }
    default:
      return kind satisfies never;
  }
}

async function putStale(
  path: string,
  file: string,
  content: Buffer,
  earlier: readonly string[],
  random: Random,
): Promise<boolean> {
  const from = earlier[random.below(Math.max(1, earlier.length))];
  if (from === undefined) return false;
  // The same file as it was; or another of its kind, where names are never used again.
  const alike = (await filesBelow(from)).filter((name) => classOf(name) === classOf(file));
  const picked = alike.includes(file) ? file : alike[random.below(Math.max(1, alike.length))];
  const stale = picked === undefined ? null : await readFile(join(from, picked));
  if (stale === null || stale.equals(content)) return false;
  await writeFile(path, stale);
  return true;
}

async function exchange(
  root: string,
  [one, oneContent]: readonly [string, Buffer],
  [other, otherContent]: readonly [string, Buffer],
): Promise<void> {
  await mkdir(dirname(join(root, other)), { recursive: true });
  await writeFile(join(root, other), oneContent);
  await writeFile(join(root, one), otherContent);
}

function pickFile(contents: ReadonlyMap<string, Buffer>, random: Random): string {
  const files = [...contents.keys()];
  if (random.below(2) === 0) {
    const classes = [...new Set(files.map(classOf))];
    const picked = classes[random.below(classes.length)];
    const ofClass = files.filter((file) => classOf(file) === picked);
    return ofClass[random.below(ofClass.length)] ?? files[0] ?? '';
  }
  const total = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  let at = random.below(total);
  for (const [file, { length }] of contents) {
    if (at < length) return file;
    at -= length;
  }
  return files[0] ?? '';
}

function pickKind(random: Random): HarmKind {
  let at = random.below(Object.values(weights).reduce((sum, weight) => sum + weight, 0));
  for (const kind of harmKinds) {
    if (at < weights[kind]) return kind;
    at -= weights[kind];
  }
  return 'flip';
}
