/**
 * The content of files on its way into the cluster with an import: a place for it first, then the manifest and its chunks, each on a majority
 * before it is answered; messages that refer to it come behind. Every step may be repeated.
 */
import { CodedError, errorTable } from '../../base/errors.ts';
import type { ImportRecord } from '../../chat/vocabulary/import-types.ts';
import { addressOf } from '../../files/digest.ts';
import type { Files } from '../../files/files.ts';
import { chunkLength, decodeManifest } from '../../protocol/manifest.ts';
import type { ImportAnswer, WireRecord } from './import-exchange.ts';

export interface FileImporterOptions {
  readonly files: Pick<Files, 'holdings' | 'reader'>;
  readonly propose: (record: ImportRecord) => Promise<ImportAnswer>;
}

const done: ImportAnswer = { kind: 'done', account: null, conversation: null };

export class FileImporter {
  readonly #options: FileImporterOptions;

  constructor(options: FileImporterOptions) {
    this.#options = options;
  }

  /** `content`: the manifest, in base64, as `file` lines have it. */
  begin({ manifest, content }: WireRecord): Promise<ImportAnswer> {
    return answered(async () => {
      const encoded = bytesIn(content);
      const described = decodeManifest(encoded);
      if (described === null || addressOf(encoded) !== manifest)
        throw malformed('This is not that manifest.');
      const { bytes } = described;
      const answer = await this.#options.propose({ kind: 'file', manifest, bytes });
      if (answer.kind === 'done') await this.#options.files.holdings.put(manifest, manifest, encoded);
      return answer;
    });
  }

  /** `place` among the chunks of the manifest; `content` in base64. */
  put({ manifest, place, content }: WireRecord): Promise<ImportAnswer> {
    return answered(async () => {
      const { holdings, reader } = this.#options.files;
      if (typeof manifest !== 'string' || typeof place !== 'number') throw malformed('Which chunk?');
      await holdings.requireRoot(manifest);
      const described = await reader.manifest(manifest);
      const address = described.chunks[place];
      const bytes = bytesIn(content);
      if (address === undefined || bytes.length !== chunkLength(described, place)) {
        throw malformed('The file has no such chunk.');
      }
      await holdings.put(manifest, address, bytes);
      return done;
    });
  }

  /** Null: everything of it is on a majority, so a message may refer to it. */
  refusalOf(manifest: string): Promise<ImportAnswer | null> {
    return answered(async () => {
      const found = await this.#options.files.holdings.holdings(manifest);
      if (found?.held.every((isHeld) => isHeld) === true) return null;
      throw new CodedError('UPLOAD_INCOMPLETE');
    });
  }
}

/** What passes by itself may be sent again. */
async function answered<Answer>(work: () => Promise<Answer>): Promise<Answer | ImportAnswer> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    const { code, message: text } = error;
    const passes = errorTable[code].retry && code !== 'LOW_SPACE';
    return passes ? { kind: 'unknown' } : { kind: 'refused', code, text };
  }
}

function bytesIn(content: unknown): Uint8Array {
  return Buffer.from(typeof content === 'string' ? content : '', 'base64');
}

function malformed(text: string): CodedError {
  return new CodedError('BAD_REQUEST', text);
}
