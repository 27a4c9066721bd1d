/** Records of an import into the log: passwords in plain are hashed first, contents of files put away; the rest is decided by `apply`. */
import { CodedError, errorTable } from '../../base/errors.ts';
import { parseImportRecord } from '../../chat/codecs/import-codec.ts';
import type { ImportRecord } from '../../chat/vocabulary/import-types.ts';
import type { Command, Result } from '../../chat/vocabulary/types.ts';
import type { Outcome } from '../../replication/ports/engine.ts';
import { rejection, settled } from '../requests/replies.ts';
import type { Hasher } from '../secrets/hasher.ts';
import { normalisedPassword } from '../secrets/passwords.ts';
import { FileImporter, type FileImporterOptions } from './file-importer.ts';
import type { ImportAnswer, WireRecord } from './import-exchange.ts';

export interface ImporterOptions {
  readonly hasher: Pick<Hasher, 'hash'>;
  readonly proposeOwn: (command: Command) => Promise<Outcome<Result>>;
  readonly files: FileImporterOptions['files'];
}

export class Importer {
  readonly #options: ImporterOptions;
  readonly #files: FileImporter;

  constructor(options: ImporterOptions) {
    this.#options = options;
    this.#files = new FileImporter({ ...options, propose: (record) => this.#propose(record) });
  }

  /** In this order; an answer for each. */
  async run(wire: readonly WireRecord[]): Promise<readonly ImportAnswer[]> {
    const steps = await Promise.all(wire.map((record) => this.#stepOf(record)));
    const answers: Promise<ImportAnswer>[] = [];
    for (const { alone, start } of steps) {
      if (alone) await Promise.all(answers);
      const answer = start();
      answers.push(answer);
      if (alone) await answer;
    }
    return await Promise.all(answers);
  }

  async #stepOf(wire: WireRecord): Promise<Step> {
    if (wire.kind === 'file') return { alone: true, start: () => this.#files.begin(wire) };
    if (wire.kind === 'chunk') return { alone: true, start: () => this.#files.put(wire) };
    const prepared = await this.#prepared(wire);
    if ('answer' in prepared) return { alone: false, start: async () => prepared.answer };
    const { record } = prepared;
    if (record.kind !== 'message' || record.body.kind !== 'file') {
      return { alone: false, start: () => this.#propose(record) };
    }
    const { manifest } = record.body.file;
    const start = async () => (await this.#files.refusalOf(manifest)) ?? this.#propose(record);
    return { alone: true, start };
  }

  async #prepared(wire: WireRecord): Promise<Prepared> {
    const { password, ...rest } = wire;
    if (password === undefined) return prepared(wire);
    // Its length is not checked: where it comes from, shorter ones were allowed.
    const normal = typeof password === 'string' ? normalisedPassword(password) : null;
    if (normal === null) return { answer: malformed };
    try {
      return prepared({ ...rest, passwordHash: await this.#options.hasher.hash(normal) });
    } catch (error) {
      // People who log in meanwhile have filled the queue: nothing was done, and it may be sent again.
      if (error instanceof CodedError && errorTable[error.code].retry) return { answer: { kind: 'unknown' } };
      throw error;
    }
  }

  async #propose(record: ImportRecord): Promise<ImportAnswer> {
    const answer = settled(await this.#options.proposeOwn({ kind: 'import', record }));
    if (answer.kind === 'unknown') return { kind: 'unknown' };
    if (answer.kind === 'rejection') return { kind: 'refused', code: answer.code, text: answer.text };
    const { receipt } = answer;
    if (receipt.kind !== 'imported') return malformed;
    return { kind: 'done', account: receipt.account, conversation: receipt.conversation };
  }
}

/** `alone`: what is before it is done when it begins, and what is behind it begins when it is done. */
interface Step {
  readonly alone: boolean;
  readonly start: () => Promise<ImportAnswer>;
}

type Prepared = { readonly record: ImportRecord } | { readonly answer: ImportAnswer };

function prepared(wire: WireRecord): Prepared {
  const record = parseImportRecord(JSON.stringify(wire));
  return record === null ? { answer: malformed } : { record };
}

const { code, text } = rejection('BAD_REQUEST');
const malformed: ImportAnswer = { kind: 'refused', code, text };
