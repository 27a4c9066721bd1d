/**
 * Builds what other programs import (`conclave`, `conclave/raft`) into dist/: JavaScript with its types. npm runs it after an
 * install in a checkout and before the package is packed. The programs of this repository run from source and need nothing of it, so an
 * installation without the compiler (`npm install --omit=dev`) skips it.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('..', import.meta.url));

function compiler(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    return null;
  }
}

const tsc = compiler();
if (tsc === null) {
  console.log('typescript is not installed: dist/ is not built, the programs run without it');
} else {
  // What a removed source file left there would be packed.
  rmSync(join(checkout, 'dist'), { recursive: true, force: true });
  const { status } = spawnSync(process.execPath, [tsc, '--project', 'tsconfig.build.json'], {
    cwd: checkout,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
