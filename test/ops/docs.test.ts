/** What the pages for operators tell people to type is there to be typed, and what they point at is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { type ErrorCode, errorTable } from '../../src/base/errors.ts';
import { exitCodeFor } from '../../src/base/exit-codes.ts';
import { fieldsOf } from '../../src/protocol/native-fields.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
const program = [
  'admin',
  'commands/backup',
  'commands/keys',
  'cluster/trust',
  'cluster/nodes',
  'program/arguments',
]
  .map((name) => read(`src/cli/${name}.ts`))
  .join('\n');

t.test('docs: every admin command and flag that a page names exists', async (t) => {
  const table = program.slice(program.indexOf('const commands'), program.indexOf('const usageWidth'));
  const commands = new Set([...table.matchAll(/^ {2}'?([a-z-]+)'?: \{/gm)].map(([, name]) => name));
  const flags = new Set([...program.matchAll(/name: '([a-z-]+)'/g)].map(([, name]) => name));
  t.ok(commands.size > 12 && flags.size > 15, 'they were found');
  for (const page of pages) {
    for (const [, line = ''] of read(page).matchAll(/npm run (?:-s )?admin -- ([^`\n]+)/g)) {
      const [name = ''] = line.split(' ');
      if (/^[a-z]/.test(name)) t.ok(commands.has(name.replace(/[^a-z-]+$/, '')), `${page}: ${line}`);
      for (const [, flag = ''] of line.matchAll(/ --([a-z-]+)/g)) t.ok(flags.has(flag), `${page}: --${flag}`);
    }
  }
});

t.test('docs: every error code has its row, with whether it passes or with how a node ends', async (t) => {
  const [ends, codes] = [read('docs/failures.md'), read('docs/protocol.md')];
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    const [, exit] = new RegExp(`^\\| \`${code}\` \\| (\\d+) \\|`, 'm').exec(ends) ?? [];
    const [, passes] = new RegExp(`^\\| \`${code}\` \\| .* \\| *(yes)? *\\|$`, 'm').exec(codes) ?? [null];
    if (exit !== undefined) t.equal(Number(exit), exitCodeFor(code), `${code}: its exit code`);
    else if (passes !== null) t.equal(passes === 'yes', errorTable[code].retry, `${code}: whether it passes`);
    else t.fail(`${code} stands in no page`);
  }
});

t.test(
  'docs: the page of protocols has every request, with the keys that it must and may have',
  async (t) => {
    const [, chapter = ''] = read('docs/protocol.md').split('### Requests');
    const [table = ''] = chapter.split('### ');
    const rows = new Map(
      [...table.matchAll(/^\| `([a-z-]+)` \|([^|]*)\|/gm)].map(([, op, keys]) => [op, keys]),
    );
    for (const [op, fields] of fieldsOf) {
      if (op === 'hello') continue;
      const [musts = '', mays = ''] = (rows.get(String(op)) ?? '')
        .replaceAll(/\([^)]*\)/g, '')
        .split('optional');
      const named = (text: string): string[] =>
        [...text.matchAll(/`(\w+)`/g)].map(([, key = '']) => key).sort();
      const keys = [...fields].filter(([key]) => key !== 'stale');
      t.ok(rows.has(String(op)), `${op} has a row`);
      t.strictSame(
        named(musts),
        keys.flatMap(([key, { required }]) => (required ? [key] : [])).sort(),
        `${op}`,
      );
      t.strictSame(
        named(mays),
        keys.flatMap(([key, { required }]) => (required ? [] : [key])).sort(),
        `${op}`,
      );
    }
  },
);

t.test('docs: every link of a page leads to a file, and to a chapter of it', async (t) => {
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', chapter] = target.split('#');
      const file = path === '' ? join(root, page) : resolve(root, dirname(page), path);
      t.ok(existsSync(file), `${page}: ${target}`);
      if (chapter === undefined || !file.endsWith('.md') || !existsSync(file)) continue;
      t.ok(chaptersOf(readFileSync(file, 'utf8')).has(chapter), `${page}: ${target}`);
    }
  }
});

/** As the usual sites make anchors of titles. */
function chaptersOf(text: string): ReadonlySet<string> {
  const titles = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title);
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
