import { CodedError } from '../base/errors.ts';

/**
 * What is wrong: a record that cannot be read, a segment that is missing, stale or swapped, a seal that the log does not
 * match, a record of a newer version, or entries that do not join up.
 */
export type LogDamageKind = 'record' | 'segment' | 'seal' | 'version' | 'gap';

/** Code DATA_DAMAGED. What a node is to do about it, who knows its number says. */
export class LogDamage extends CodedError {
  readonly kind: LogDamageKind;
  /** Relative to the data directory. */
  readonly file: string;
  readonly offset: number;

  constructor(kind: LogDamageKind, file: string, offset: number, text: string) {
    super('DATA_DAMAGED', `${file}, offset ${offset}: ${text}.`);
    this.name = 'LogDamage';
    this.kind = kind;
    this.file = file;
    this.offset = offset;
  }
}
