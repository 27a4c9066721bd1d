/**
 * The worker as one file of JavaScript. Loaded module by module it is the same program and gives the same runs, at more CPU: the
 * loader for TypeScript gives every closure its name when it is made, thousands of times in each run.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const source = fileURLToPath(new URL('./worker.ts', import.meta.url));
const directory = fileURLToPath(new URL('../../../dist/simulate/', import.meta.url));

/** The path to run. What is needed of `node_modules` is found from there. */
export async function buildWorker(): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const [made, program] = [`${directory}worker-${process.pid}.mjs`, `${directory}worker.mjs`];
  await build({
    entryPoints: [source],
    outfile: made,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'error',
  });
  // Another search may begin at the same time.
  renameSync(made, program);
  return program;
}
