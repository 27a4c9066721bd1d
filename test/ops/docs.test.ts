/** What the pages for operators tell people to type is there to be typed, and what they point at is there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

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
