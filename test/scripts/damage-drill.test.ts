/** The drill of damaged files, a short one: a full one is `npm run drill -- --damage 2000`. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { runDamage } from '../../scripts/support/drill/damage/damage-drill.ts';
import { classOf, filesBelow, harm } from '../../scripts/support/drill/damage/harm.ts';
import { seededRandom } from '../../src/base/prng.ts';
import { patienceOfFileMs } from '../cluster/support/patience.ts';

t.setTimeout(patienceOfFileMs);

t.test(
  'damage drill: each position is repaired, refused or harmless, and nothing acknowledged is lost',
  async (t) => {
    const report = await runDamage({ positions: 30, seed: 11, tell: (line) => t.comment(line) });
    t.strictSame(report.failures, []);
    t.match(report, { positions: 30, silent: 0, lost: 0 });
    t.equal(report.repaired + report.refused + report.harmless, 30);
    t.ok(report.repaired > 0, 'something was really repaired');
    t.ok(report.refused > 0, 'something was really refused');
    const counted = Object.values(report.byFile).reduce((sum, { repaired, refused, harmless }) => {
      return sum + repaired + refused + harmless;
    }, 0);
    t.equal(counted, 30);
  },
);

async function contentsOf(root: string): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>();
  for (const file of await filesBelow(root)) contents.set(file, await readFile(join(root, file), 'latin1'));
  return contents;
}

t.test('damage drill: a harm changes the file that it names, and with an exchange one other', async (t) => {
  const random = seededRandom(3);
  const kinds = new Set<string>();
  for (let run = 0; run < 60; run++) {
    const files = { 'identity.json': '{"a":1}', wal: { '0001.log': 'x'.repeat(300), seal: 'y'.repeat(56) } };
    const root = t.testdir(files);
    const before = await contentsOf(root);
    const harmed = await harm(root, [], random);
    const after = await contentsOf(root);
    const changed = [...before]
      .filter(([file, content]) => after.get(file) !== content)
      .map(([file]) => file);
    if (harmed === null) {
      t.strictSame(changed, []);
      continue;
    }
    kinds.add(harmed.kind);
    const named = changed.filter((file) => file === harmed.file || harmed.detail === `with ${file}`);
    t.strictSame(changed, named, `${harmed.kind} of ${harmed.file} ${harmed.detail}`);
  }
  t.ok(kinds.size >= 5, [...kinds].join(' '));
  t.equal(classOf('wal/0000000000000001.log'), 'wal segment');
  t.equal(classOf('state-3/000005.ldb'), 'level table');
});
