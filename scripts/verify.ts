/**
 * `npm run verify`: everything that must hold before a commit lands. Writes nothing (`npm run fix` does). Runs all checks even when
 * one fails, so that one run tells everything.
 */
import { spawnSync } from 'node:child_process';

interface Check {
  readonly name: string;
  readonly command: readonly string[];
}

const checks: Check[] = [
  { name: 'types', command: ['npx', 'tsc', '--noEmit'] },
  { name: 'lint and format', command: ['npx', 'biome', 'check', '--error-on-warnings', '.'] },
  { name: 'import rules', command: ['node', '--import', 'tsx', 'test/architecture/imports.test.ts'] },
];
if (!process.argv.includes('--without-tests')) {
  checks.push({ name: 'tests', command: ['npm', 'test', '--silent'] });
}

const failed = checks.filter(({ name, command: [program = '', ...args] }) => {
  console.log(`— ${name}: ${[program, ...args].join(' ')}`);
  return spawnSync(program, args, { stdio: 'inherit' }).status !== 0;
});
for (const { name } of failed) console.error(`FAILED: ${name}`);
console.log(`${checks.length - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
