/**
 * Builds into dist/ what is not run from source: the pages that nodes serve (dist/web/), and what other programs import (`conclave`,
 * `conclave/raft`) as JavaScript with its types. npm runs it after an install in a checkout and before the package is packed. The library
 * needs the compiler, so an installation without it (`npm install --omit=dev`) has the pages only.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildPages } from './support/web-build.ts';

const checkout = fileURLToPath(new URL('..', import.meta.url));

function compiler(): string | null {
  try {
    return join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
  } catch {
    return null;
  }
}

/** Exit code. */
function buildLibrary(): number {
  const tsc = compiler();
  if (tsc === null) {
    console.log('typescript is not installed: the library is not built, the programs run without it');
    return 0;
  }
  const { status } = spawnSync(process.execPath, [tsc, '--project', 'tsconfig.build.json'], {
    cwd: checkout,
    stdio: 'inherit',
  });
  return status ?? 1;
}

// What a removed source file left there would be packed, or served.
rmSync(join(checkout, 'dist'), { recursive: true, force: true });
const library = buildLibrary();
for (const { name, firstLoadBytes } of await buildPages(checkout)) {
  console.log(`${name}.html: ${(firstLoadBytes / 1024).toFixed(1)} KiB compressed at its first load`);
}
process.exitCode = library;
