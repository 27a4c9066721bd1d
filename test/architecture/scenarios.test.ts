/** The table of scenarios in test/README.md says the truth: each title is that of a test in the file that it names. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const folder = fileURLToPath(new URL('..', import.meta.url));

interface Row {
  readonly title: string;
  readonly number: number;
  readonly file: string;
}

async function table(): Promise<readonly Row[]> {
  const text = await readFile(`${folder}README.md`, 'utf8');
  const rows = text.matchAll(/^\| (scenario (\d+): .+?) +\| (\S+) +\|$/gm);
  return [...rows].map(([, title = '', number, file = '']) => ({ title, number: Number(number), file }));
}

/** The titles in a file, as patterns: what a template fills in may be anything. */
async function titlesIn(file: string): Promise<readonly RegExp[]> {
  const source = await readFile(`${folder}${file}.test.ts`, 'utf8');
  return [...source.matchAll(/t\.test\(\s*(['`])(scenario .*?)\1,/g)].map(([, , title = '']) => {
    const parts = title.split(/\$\{\w+\}/).map((part) => part.replace(/[.*+?^$()[\]{}|\\]/g, '\\$&'));
    return new RegExp(`^${parts.join('.+')}$`);
  });
}

t.test('scenarios: all fifteen are in the table, and each title is that of a test', async (t) => {
  const rows = await table();
  const numbers = [...new Set(rows.map(({ number }) => number))];
  t.same(numbers, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  for (const { title, file } of rows) {
    const titles = await titlesIn(file);
    t.ok(
      titles.some((pattern) => pattern.test(title)),
      `${file}: ${title}`,
    );
  }
});

t.test('scenarios: each test that calls itself one is in the table', async (t) => {
  const rows = await table();
  for (const file of new Set(rows.map((row) => row.file))) {
    for (const pattern of await titlesIn(file)) {
      t.ok(
        rows.some((row) => row.file === file && pattern.test(row.title)),
        `${file}: ${pattern.source}`,
      );
    }
  }
});
