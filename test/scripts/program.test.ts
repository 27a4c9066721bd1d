import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { checkout } from '../../scripts/support/node-process.ts';

async function run(
  script: string,
  ...args: readonly string[]
): Promise<{ code: unknown; out: string; err: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', `${checkout}scripts/${script}`, ...args]);
  const ended = once(child, 'close');
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { code, out, err };
}

t.test('drill and bench: help and version are told, wrong flags are refused in one line', async (t) => {
  const [help, version, unknown, outside, notNumber] = await Promise.all([
    run('drill.ts', '--help'),
    run('bench.ts', '--version'),
    run('bench.ts', '--colour', 'blue'),
    run('drill.ts', '--nodes', '4'),
    run('drill.ts', '--kills', 'many'),
  ]);
  t.match(help, { code: 0, err: '' });
  t.match(help.out, /--kills N/);
  t.match(version, { code: 0, out: /^\d+\.\d+\.\d+\n$/ });
  t.match(unknown, { code: 64, out: '', err: /^[^\n]*--colour[^\n]*\n$/ });
  t.match(outside, { code: 64, err: /--nodes must be 1 or 3 or 5, not "4"/ });
  t.match(notNumber, { code: 64, err: /--kills must be a whole number from 0 to 1000/ });
});
