/**
 * The pages that nodes serve, from src/web/ into dist/web/: a bundle a page, its files under names that change with their content (so
 * that a browser may keep them for ever), each also compressed beside itself, and an HTML file that names them.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { brotliCompressSync, gzipSync, constants as zlib } from 'node:zlib';
import { build, type Metafile } from 'esbuild';

interface Page {
  readonly name: string;
  /** Relative to src/web/. */
  readonly entry: string;
  readonly template: string;
}

const pages: readonly Page[] = [
  { name: 'index', entry: 'main.tsx', template: 'index.html' },
  { name: 'cluster', entry: 'cluster/main.tsx', template: 'cluster/index.html' },
];
/** What a page loads first, its HTML included. */
export const largestFirstLoadBytes = 150 * 1024;

export interface BuiltPage {
  readonly name: string;
  /** Bytes of everything a first visit loads, compressed. */
  readonly firstLoadBytes: number;
}

/** Rejects when a source does not compile, reaches for the platform of servers, or a page has grown too large. */
export async function buildPages(checkout: string): Promise<readonly BuiltPage[]> {
  const source = join(checkout, 'src', 'web');
  const target = join(checkout, 'dist', 'web');
  const present = pages.filter(({ entry }) => existsSync(join(source, entry)));
  if (present.length === 0) return [];
  const { metafile } = await build({
    entryPoints: [
      ...present.map(({ name, entry }) => ({ in: join(source, entry), out: name })),
      { in: join(source, 'icon.svg'), out: 'icon' },
    ],
    absWorkingDir: checkout,
    outdir: join(target, 'assets'),
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    chunkNames: 'part-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.svg': 'copy' },
    tsconfig: join(source, 'tsconfig.json'),
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  for (const file of Object.keys(metafile.outputs)) compress(join(checkout, file));
  return present.map((page) => writePage(page, { checkout, source, target, metafile }));
}

interface Place {
  readonly checkout: string;
  readonly source: string;
  readonly target: string;
  readonly metafile: Metafile;
}

function writePage(
  { name, entry, template }: Page,
  { checkout, source, target, metafile }: Place,
): BuiltPage {
  const found = Object.entries(metafile.outputs).find(
    ([, { entryPoint }]) => entryPoint === `src/web/${entry}`,
  );
  if (found === undefined) throw new Error(`${entry} was not bundled`);
  const [script, { cssBundle, imports }] = found;
  const parts = imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => path);
  const icon = Object.keys(metafile.outputs).find((file) => basename(file).startsWith('icon-'));
  const html = readFileSync(join(source, template), 'utf8')
    .replaceAll('{script}', addressOf(script))
    .replaceAll('{style}', cssBundle === undefined ? '' : addressOf(cssBundle))
    .replaceAll('{icon}', icon === undefined ? '' : addressOf(icon));
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, `${name}.html`), html);
  const loaded = [script, ...parts, ...(cssBundle === undefined ? [] : [cssBundle])];
  const firstLoadBytes = loaded.reduce(
    (sum, file) => sum + readFileSync(join(checkout, `${file}.br`)).length,
    Buffer.byteLength(html),
  );
  if (firstLoadBytes > largestFirstLoadBytes) {
    throw new Error(`${name}.html loads ${firstLoadBytes} bytes first, more than ${largestFirstLoadBytes}`);
  }
  return { name, firstLoadBytes };
}

function addressOf(file: string): string {
  return `/assets/${basename(file)}`;
}

function compress(path: string): void {
  const content = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  const params = { [zlib.BROTLI_PARAM_QUALITY]: 11, [zlib.BROTLI_PARAM_SIZE_HINT]: content.length };
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params }));
}
