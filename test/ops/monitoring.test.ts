import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { silentLogger } from '../../src/base/logger.ts';
import { BackupRecord } from '../../src/gateway/operations/backup-record.ts';
import { DiskFigures } from '../../src/gateway/operations/disk-figures.ts';
import type { NodeStorage } from '../../src/gateway/operations/node-storage.ts';
import { startNodes } from '../support/gateway.ts';
import { MemoryDisk } from '../support/memory-disk.ts';
import { parseExposition } from './exposition.ts';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const alerts = read('ops/alerts.yml');
const dashboard = read('ops/grafana-dashboard.json');
/** Made by Prometheus itself. */
const notOurs = new Set(['up']);

async function storageOf(disk: MemoryDisk): Promise<NodeStorage> {
  const figures = new DiskFigures();
  for (const durationMs of [0.1, 3, 3_000]) figures.onRound({ durationMs, bytes: 100 });
  figures.onBatch({ durationMs: 12, bytes: 5_000 });
  const backups = await BackupRecord.open(disk, silentLogger);
  const exportSnapshot = async (): Promise<never> => Promise.reject(new Error('not asked for'));
  return {
    figures,
    backups,
    disk,
    version: '1',
    log: { bytes: 4_096 },
    state: { pendingBytes: 77, exportSnapshot },
  };
}

const disk = new MemoryDisk();
const storage = await storageOf(disk);
const { nodes, stop } = await startNodes(1, {}, { storage });
t.teardown(stop);
const textNow = async (): Promise<string> =>
  (await fetch(`http://127.0.0.1:${nodes[0]?.httpPort}/metrics`)).text();

t.test(
  'metrics: the text is what Prometheus reads, with its conventions, and twice the same families',
  async (t) => {
    const families = parseExposition(await textNow());
    t.ok(families.size > 50);
    t.strictSame([...parseExposition(await textNow()).keys()], [...families.keys()]);
    const figureOf = (family: string, sample = family): number | undefined =>
      families.get(family)?.samples.find(({ name }) => name === sample)?.value;
    t.equal(figureOf('conclave_log_sync_seconds', 'conclave_log_sync_seconds_count'), 3);
    t.equal(figureOf('conclave_log_written_bytes_total'), 300);
    t.equal(figureOf('conclave_log_bytes'), 4_096);
    t.equal(figureOf('conclave_state_pending_bytes'), 77);
    t.equal(figureOf('conclave_backup_finished_timestamp_seconds'), 0, 'never');
  },
);

t.test('metrics: when a backup was made outlives a restart', async (t) => {
  await storage.backups.finished(1_700_000_000_500);
  t.match(await textNow(), /^conclave_backup_finished_timestamp_seconds 1700000000\.5$/m);
  t.equal((await BackupRecord.open(disk, silentLogger)).finishedMs, 1_700_000_000_500);
  await disk.replace('backup.json', new TextEncoder().encode('{'));
  t.equal(
    (await BackupRecord.open(disk, silentLogger)).finishedMs,
    null,
    'an alert too many, and a node that starts',
  );
  const unreadable = new MemoryDisk();
  unreadable.before = () => Promise.reject(new Error('EISDIR: illegal operation on a directory, read'));
  t.equal((await BackupRecord.open(unreadable, silentLogger)).finishedMs, null);
});

t.test('metrics: the checker notices what is wrong', async (t) => {
  const head = '# HELP a_total A.\n# TYPE a_total counter\n';
  t.equal(parseExposition(`${head}a_total 1\n`).size, 1);
  for (const wrong of [
    'a_total 1\n',
    `${head}a_total 1`,
    `${head}b_total 1\n`,
    `${head}a_total one\n`,
    `${head}a_total{x=1} 1\n`,
    `${head}a_total{x="1"} 1\na_total{x="1"} 2\n`,
    `${head}a_total -1\n`,
    '# HELP a A.\n# TYPE a counter\na 1\n',
    '# HELP h H.\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
  ]) {
    t.throws(() => parseExposition(wrong), JSON.stringify(wrong));
  }
});

t.test('monitoring: every metric that the dashboard and the alerts name is one of a node', async (t) => {
  const families = parseExposition(await textNow());
  const isKnown = (name: string): boolean =>
    families.has(name) || families.get(name.replace(/_(bucket|sum|count)$/, ''))?.type === 'histogram';
  const expressions = [
    ...alerts.matchAll(/^ +expr: (.+)$/gm),
    ...dashboard.matchAll(/"(?:expr|query)": "(.+)",?$/gm),
  ];
  const names = expressions.flatMap(([, text = '']) => text.match(/\b(conclave|process)_\w+\b/g) ?? []);
  t.ok(names.length > 60, 'they were found');
  t.strictSame(
    [...new Set(names)].filter((name) => !isKnown(name) && !notOurs.has(name)),
    [],
  );
});

t.test('monitoring: the dashboard is one, with no two panels in one place', async (t) => {
  const { panels, templating } = JSON.parse(dashboard) as {
    panels: { id: number; title: string; gridPos: { x: number; y: number; w: number; h: number } }[];
    templating: { list: { name: string }[] };
  };
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
  );
  t.equal(new Set(cells).size, cells.length);
  t.ok(panels.every(({ gridPos: { x, w } }) => x + w <= 24));
  const variables = new Set(templating.list.map(({ name }) => name));
  const used = [...dashboard.matchAll(/\$\{?([a-z]+)\}?/g)].map(([, name = '']) => name);
  t.strictSame(
    [...new Set(used)].filter((name) => !variables.has(name)),
    [],
  );
});

t.test('monitoring: every alert says how grave it is, what it means and what to do', async (t) => {
  const rules = alerts.split(/^ {6}- alert: /m).slice(1);
  t.ok(rules.length > 15);
  for (const rule of rules) {
    const [name = ''] = rule.split('\n');
    t.match(name, /^Conclave[A-Za-z]+$/);
    t.match(rule, /severity: (page|ticket) /, name);
    t.match(rule, /^ +summary: .+\n +remedy: .+$/m, name);
  }
  const pages = [...alerts.matchAll(/docs\/[a-z]+\.md, "([^"]+)"/g)].map(([, title = '']) => title);
  const operations = read('docs/operations.md');
  for (const title of pages) t.ok(operations.includes(`\n## ${title}\n`), `there is a chapter "${title}"`);
});

const promtool = spawnSync('promtool', ['--version']).status === 0;
t.test(
  'monitoring: promtool takes the metrics and the rules',
  { skip: promtool ? false : 'promtool is not installed (Debian package prometheus)' },
  async (t) => {
    const metrics = spawnSync('promtool', ['check', 'metrics'], { input: await textNow(), encoding: 'utf8' });
    t.equal(metrics.status, 0, metrics.stderr + metrics.stdout);
    const rules = spawnSync(
      'promtool',
      ['check', 'rules', new URL('../../ops/alerts.yml', import.meta.url).pathname],
      { encoding: 'utf8' },
    );
    t.equal(rules.status, 0, rules.stderr + rules.stdout);
  },
);
