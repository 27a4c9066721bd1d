/** A chat in memory that can be exported and imported into, as a node does it. */

import { type ImportReport, type Line, LineImport } from '../../src/cli/transfer/lines.ts';
import type { ExportLine } from '../../src/gateway/transfer/export-line.ts';
import { Exporter } from '../../src/gateway/transfer/exporter.ts';
import { Importer, type ImporterOptions } from '../../src/gateway/transfer/importer.ts';
import type { World } from '../chat/support/world.ts';
import { PlainHasher } from './gateway.ts';

/** A world of commands only has no disks. */
export const noFiles: ImporterOptions['files'] = {
  get holdings(): never {
    throw new Error('there are no files here');
  },
  get reader(): never {
    throw new Error('there are no files here');
  },
};

export async function exported(
  world: World,
  files: ConstructorParameters<typeof Exporter>[2] = null,
): Promise<readonly ExportLine[]> {
  world.store();
  const store: ConstructorParameters<typeof Exporter>[1] = {
    readStream: async (stream, { from, to, limit }) => {
      const first = world.firsts.get(stream) ?? 1;
      const begin = Math.max(from, first);
      const records = (world.streams.get(stream) ?? []).slice(begin - first, to - first + 1).slice(0, limit);
      return records.map((record, at) => ({ sequence: begin + at, record }));
    },
  };
  const exporter = new Exporter(world.machine, store, files);
  const lines: ExportLine[] = [];
  for await (const line of exporter.lines()) lines.push(line);
  return lines;
}

export async function importInto(world: World, lines: Iterable<Line>): Promise<ImportReport> {
  const importer = new Importer({
    hasher: new PlainHasher(),
    files: noFiles,
    proposeOwn: async (command) => {
      const { result } = world.raw(command);
      return { kind: 'applied', index: world.index, result };
    },
  });
  const into = new LineImport((records) => importer.run(records));
  for (const line of lines) if (line.kind !== 'conclave-export' && line.kind !== 'end') await into.add(line);
  await into.flush();
  return into.report();
}
