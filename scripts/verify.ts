/**
 * `npm run verify`: everything that must hold before a commit lands. Writes nothing (`npm run fix` does). Runs all checks even when
 * one fails, so that one run tells everything.
 */
import { spawnSync } from 'node:child_process';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
  /** The exit code that says that nothing could be checked. */
  readonly skipped?: number;
}

const checks: Check[] = [
  { name: 'types', command: ['npx', 'tsc', '--noEmit'] },
  { name: 'types of the browser client', command: ['npx', 'tsc', '--noEmit', '--project', 'src/web'] },
  { name: 'lint and format', command: ['npx', 'biome', 'check', '--error-on-warnings', '.'] },
  { name: 'import rules', command: ['node', '--import', 'tsx', 'test/architecture/imports.test.ts'] },
];
if (!process.argv.includes('--without-tests')) {
  checks.push({ name: 'known vulnerabilities', command: ['npm', 'run', '--silent', 'audit'], skipped: 2 });
  checks.push({ name: 'tests', command: ['npm', 'test', '--silent'] });
}

const failed: string[] = [];
const skipped: string[] = [];
for (const { name, command, skipped: skipCode } of checks) {
  console.log(`— ${name}: ${command.join(' ')}`);
  const [program = '', ...args] = command;
  const { status } = spawnSync(program, args, { stdio: 'inherit' });
  if (status === skipCode) skipped.push(name);
  else if (status !== 0) failed.push(name);
}
for (const name of skipped) console.error(`SKIPPED: ${name}`);
for (const name of failed) console.error(`FAILED: ${name}`);
const passed = checks.length - failed.length - skipped.length;
const rest = skipped.length === 0 ? '' : `, ${skipped.length} skipped`;
console.log(`${passed} passed, ${failed.length} failed${rest}`);
process.exit(failed.length === 0 ? 0 : 1);
