/** docs/security.md says which test holds each requirement: here it is held to that. */
import { readFileSync } from 'node:fs';
import t from 'tap';

const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
/** `| 12 | claim | tests |`; a test is `file`: title, several parted by <br>. */
const rows = [...page.matchAll(/^\| (\d+) \| (.+?) \| (.+) \|$/gm)].map(([, number, claim, tests]) => ({
  number: Number(number),
  claim: claim ?? '',
  tests: (tests ?? '').split('<br>').map((text) => text.trim()),
}));

t.test('security: every requirement has one row, in order', async (t) => {
  t.same(
    rows.map(({ number }) => number),
    Array.from({ length: 45 }, (_, at) => at + 1),
  );
});

t.test('security: every test that the page names exists, under that title', async (t) => {
  for (const { number, tests } of rows) {
    for (const named of tests) {
      if (named.startsWith('not yet: ')) continue;
      const [, file = '', title = ''] = /^`(test\/[\w./-]+)`: (.+)$/.exec(named) ?? [];
      t.not(title, '', `${number}: ${named} is of the form \`file\`: title`);
      t.ok(hasTest(file, title.replaceAll('\\|', '|')), `${number}: ${file} has "${title}"`);
    }
  }
});

function hasTest(file: string, title: string): boolean {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const quoted = [`'${title}'`, `"${title}"`, `\`${title}\``];
  return quoted.some((form) => new RegExp(`t\\.test\\(\\s*${escaped(form)}`).test(text));
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
