/** Which version of the program knows a command: the cluster takes it once every member does (docs/versions.md). */
import type { ImportRecord } from '../vocabulary/import-types.ts';
import type { Asked, Command } from '../vocabulary/types.ts';

/** What came later than the first version. */
const newer: ReadonlyMap<string, number> = new Map<(Command | Asked)['kind'], number>([
  ['asked', 2],
  ['derive-session', 2],
  ['edit-message', 2],
  ['delete-message', 2],
  ['react', 2],
  ['set-group-retention', 2],
  ['retain', 2],
  ['create-token', 2],
  ['revoke-token', 2],
  ['enter-token', 2],
  ['note-token-uses', 2],
  // Of a session too, which an older one refuses.
  ['enter-guest', 2],
  ['create-hook', 2],
  ['remove-hook', 2],
  ['resume-hook', 2],
  ['post-to-hook', 2],
  ['note-hooks', 2],
  ['set-role', 2],
  ['note-action', 2],
  ['note-outcome', 2],
]);

export function formatOf(command: Command | Asked): number {
  if (command.kind === 'import') return importFormat(command.record);
  return newer.get(command.kind) ?? 1;
}

/** Records of an import are as old as it, but for those about the content of files, amendments, and what came in by a webhook. */
function importFormat(record: ImportRecord): number {
  if (record.kind !== 'message')
    return record.kind === 'file' || record.kind === 'amended' || record.kind === 'kept' ? 2 : 1;
  return record.body.kind === 'file' || record.body.via !== undefined ? 2 : 1;
}
