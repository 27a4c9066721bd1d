import { CodedError } from '../base/errors.ts';

/**
 * What is wrong: a record that cannot be read, a segment that is missing, stale or swapped, a seal that the log does not
 * match, a record of a newer version, or entries that do not join up.
 */
export type LogDamageKind = 'record' | 'segment' | 'seal' | 'version' | 'gap';

/** Code DATA_DAMAGED. The log is refused, not repaired: what it lost may have been acknowledged. */
export class LogDamage extends CodedError {
  readonly kind: LogDamageKind;
  /** Relative to the data directory. */
  readonly file: string;
  readonly offset: number;

  constructor(kind: LogDamageKind, file: string, offset: number, text: string) {
    super('DATA_DAMAGED', `${file}, offset ${offset}: ${text}. ${remedy(kind)}`);
    this.name = 'LogDamage';
    this.kind = kind;
    this.file = file;
    this.offset = offset;
  }
}

function remedy(kind: LogDamageKind): string {
  if (kind === 'version') return 'Start the version of the program that wrote this directory.';
  return 'Put back the file if it was moved; otherwise move the data directory away and start this node empty: it then copies everything from the other nodes.';
}
