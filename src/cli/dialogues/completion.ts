/** What Tab may stand for: commands at the start of a line, then users and groups, as far as this user may see them, then files to send. */
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Client } from '../../client/index.ts';
import { escapeLine } from '../../protocol/escape.ts';
import { slashHelp } from '../../protocol/slash.ts';
import type { Completion } from './dialogue.ts';
import { expandHome } from './home-path.ts';

type Names = Pick<Client, 'search' | 'groups'>;

/** More than anybody reads. */
const mostCandidates = 50;
const pipeVerbs = [
  '1|',
  '2|',
  '3|',
  '4',
  '5|',
  'd|',
  'f|',
  '/file ',
  'j|#',
  'g',
  'l|#',
  '6|',
  's',
  'c',
  'more',
  'me',
  'p|',
  'token|',
  'tokens',
  'revoke|',
  'h',
  '/help',
  'q',
];
/** What follows the verb: a user, a user or group, a group. */
const pipeFields: ReadonlyMap<string, Kind> = new Map([
  ['5', 'user'],
  ['d', 'address'],
  ['f', 'address'],
  ['6', 'address'],
  ['j', 'address'],
  ['g', 'address'],
  ['l', 'address'],
]);
const slashFields: ReadonlyMap<string, Kind> = new Map([
  ['/msg', 'user'],
  ['/file', 'user'],
  ['/join', 'group'],
  ['/leave', 'group'],
  ['/group', 'group'],
  ['/groupfile', 'group'],
  ['/showgroupmembers', 'group'],
]);

type Kind = 'user' | 'group' | 'address';

export async function completePipe(names: Names, line: string): Promise<Completion> {
  const path = pathIn(line);
  if (path !== null) return completePath(path);
  const addressee = /^\/file +(\S*)$/.exec(line)?.[1];
  if (addressee !== undefined) {
    return { fragment: addressee, candidates: await namesFor(names, 'address', addressee) };
  }
  const bar = line.indexOf('|');
  if (bar < 0) return among(pipeVerbs, line);
  const kind = pipeFields.get(line.slice(0, bar));
  const fragment = line.slice(bar + 1);
  if (kind === undefined || fragment.includes('|')) return nothing(line);
  return { fragment, candidates: await namesFor(names, kind, fragment) };
}

export async function completeSlash(names: Names, line: string): Promise<Completion> {
  if (!line.startsWith('/')) return nothing(line);
  const path = pathIn(line);
  if (path !== null) return completePath(path);
  const space = line.indexOf(' ');
  if (space < 0) {
    const verbs = slashHelp().flatMap((row) => /^\/\w+/.exec(row) ?? []);
    return among(verbs, line);
  }
  const kind = slashFields.get(line.slice(0, space));
  const fragment = line.slice(space + 1);
  if (kind === undefined || fragment.includes(' ')) return nothing(line);
  return { fragment, candidates: await namesFor(names, kind, fragment) };
}

/** The path of a file to be sent, as far as it is typed. */
function pathIn(line: string): string | null {
  return /^(?:f\|[^|]+\||\/(?:file|groupfile) +\S+ +)(.*)$/s.exec(line)?.[1] ?? null;
}

async function completePath(fragment: string): Promise<Completion> {
  const directory = fragment.endsWith('/') ? fragment : dirname(fragment);
  // A folder that is not there, or is closed to this user, holds nothing to choose from.
  const entries = await readdir(expandHome(directory), { withFileTypes: true }).catch(() => []);
  const paths = entries
    .filter(({ name }) => escapeLine(name) === name)
    .map((entry) => pathOf(fragment, directory, entry.name) + (entry.isDirectory() ? '/' : ''));
  const { candidates } = among(paths.sort(), fragment);
  return { fragment, candidates: candidates.slice(0, mostCandidates) };
}

/** Spelt as it was begun: `./a` stays `./a`, and `a` does not become `./a`. */
function pathOf(fragment: string, directory: string, name: string): string {
  if (fragment.endsWith('/')) return fragment + name;
  if (!fragment.includes('/')) return name;
  const path = join(directory, name);
  return fragment.startsWith('./') ? `./${path}` : path;
}

function nothing(line: string): Completion {
  return { candidates: [], fragment: line };
}

function among(words: readonly string[], fragment: string): Completion {
  return { fragment, candidates: words.filter((word) => word.startsWith(fragment)) };
}

async function namesFor(names: Names, kind: Kind, fragment: string): Promise<readonly string[]> {
  const marked = fragment.startsWith('#');
  if (kind === 'group' || (kind === 'address' && marked)) {
    const found = await groupsFrom(names, marked ? fragment.slice(1) : fragment);
    return marked ? found.map((name) => `#${name}`) : found;
  }
  const outcome = await names.search(fragment.replaceAll(/[*?]/g, ''));
  const users = outcome.kind === 'receipt' ? outcome.value.users : [];
  return users.slice(0, mostCandidates).map(({ name }) => name);
}

async function groupsFrom(names: Names, start: string): Promise<readonly string[]> {
  const outcome = await names.groups();
  const groups = outcome.kind === 'receipt' ? outcome.value.groups : [];
  const wanted = start.toLowerCase();
  const fitting = groups.filter(({ name }) => name.toLowerCase().startsWith(wanted));
  return fitting.slice(0, mostCandidates).map(({ name }) => name);
}
