import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { exitCodeFor } from '../../src/base/exit-codes.ts';

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const unit = read('ops/conclave.service');

t.test('unit: what only people can put right is not tried again, what may pass is', async (t) => {
  const [, listed = ''] = /^RestartPreventExitStatus=(.+)$/m.exec(unit) ?? [];
  const prevented = new Set(listed.split(' ').map(Number));
  for (const code of [
    'USAGE',
    'DATA_DAMAGED',
    'DATA_NEWER',
    'KEY_MISSING',
    'KEY_WRONG',
    'CONFIG_INVALID',
    'TLS_INVALID',
    'DATA_FOREIGN',
    'MEMBER_REMOVED',
  ] as const) {
    t.ok(prevented.has(exitCodeFor(code)), code);
  }
  for (const code of ['DISK_FAILED', 'PORT_IN_USE', 'DATA_LOCKED', 'STATE_DIVERGED'] as const) {
    t.notOk(prevented.has(exitCodeFor(code)), code);
  }
});

t.test('unit: what it sets is known to the program that it starts', async (t) => {
  const program = read('src/main.ts');
  for (const [, name = ''] of unit.matchAll(/CONCLAVE_([A-Z_]+)=/g)) {
    const flag = name.toLowerCase().replaceAll('_', '-');
    t.ok(flag === 'config' || program.includes(`name: '${flag}'`), flag);
  }
  t.match(unit, /^ExecStart=\/usr\/bin\/node --import tsx src\/main\.ts$/m);
});

const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;
t.test(
  'unit: systemd takes it, without a word',
  { skip: hasSystemd ? false : 'systemd-analyze is not installed (Debian package systemd)' },
  async (t) => {
    const path = join(t.testdir({}), 'conclave.service');
    // Where this machine has its Node.
    writeFileSync(path, unit.replace('/usr/bin/node', process.execPath));
    const verified = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
    const ours = verified.stderr.split('\n').filter((line) => line.includes('conclave.service'));
    t.strictSame(ours, []);
    t.equal(verified.status, 0, verified.stderr);
  },
);
