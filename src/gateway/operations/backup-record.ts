/** When this node was last asked for a backup that was read to its end; kept over restarts, since an alert asks for it. */
import type { Disk } from '../../base/disk.ts';
import type { Logger } from '../../base/logger.ts';

const file = 'backup.json';

export class BackupRecord {
  readonly #disk: Disk;
  readonly #logger: Logger;
  #finishedMs: number | null = null;

  private constructor(disk: Disk, logger: Logger) {
    this.#disk = disk;
    this.#logger = logger;
  }

  /** What cannot be read counts as never: an alert too many is better than a node that does not start. */
  static async open(disk: Disk, logger: Logger): Promise<BackupRecord> {
    const record = new BackupRecord(disk, logger);
    record.#finishedMs = finishedIn(await disk.read(file).catch(() => null));
    return record;
  }

  /** Wall clock; null: never. */
  get finishedMs(): number | null {
    return this.#finishedMs;
  }

  async finished(wallMs: number): Promise<void> {
    this.#finishedMs = wallMs;
    try {
      await this.#disk.replace(file, new TextEncoder().encode(`${JSON.stringify({ finishedMs: wallMs })}\n`));
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      this.#logger.warn({ cause }, 'that a backup was made could not be noted');
    }
  }
}

function finishedIn(bytes: Uint8Array | null): number | null {
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    const isRecord = typeof value === 'object' && value !== null && 'finishedMs' in value;
    return isRecord && typeof value.finishedMs === 'number' ? value.finishedMs : null;
  } catch {
    return null;
  }
}
