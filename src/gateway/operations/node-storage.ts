import type { Disk } from '../../base/disk.ts';
import type { StateStore } from '../../store/state-store.ts';
import type { BackupRecord } from './backup-record.ts';
import type { DiskFigures } from './disk-figures.ts';

/** What a node is beyond what people ask of it: what a backup copies, and what an operator watches. */
export interface NodeStorage {
  readonly state: Pick<StateStore, 'exportSnapshot' | 'pendingBytes'>;
  readonly log: { readonly bytes: number };
  readonly figures: DiskFigures;
  readonly backups: BackupRecord;
  readonly disk: Disk;
  /** Of the program. */
  readonly version: string;
}
