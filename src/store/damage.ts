import { CodedError } from '../base/errors.ts';

/**
 * - `hole`: batches or rows are missing; the state must be rebuilt from the log or from another node.
 * - `value`: a value's checksum is wrong. `gap`: records of a stream are missing.
 * - `database`: `level` cannot open its files. `pointer`: the file that names the state's directory is missing or wrong.
 * - `version`: written by a newer version. `transfer`: a received copy is incomplete or changed.
 */
export type StateDamageKind = 'hole' | 'value' | 'gap' | 'database' | 'pointer' | 'version' | 'transfer';

/** Code DATA_DAMAGED. */
export class StateDamage extends CodedError {
  readonly kind: StateDamageKind;

  constructor(kind: StateDamageKind, text: string, options?: ErrorOptions) {
    super('DATA_DAMAGED', text, options);
    this.name = 'StateDamage';
    this.kind = kind;
  }
}
