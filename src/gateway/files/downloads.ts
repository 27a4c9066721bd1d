/** Files on their way out: who may have one, under which name, and its bytes from wherever they are. */
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { decodeMessage } from '../../chat/codecs/message-codec.ts';
import type { FileDescription, FileId } from '../../chat/vocabulary/file-types.ts';
import type { AccountId } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Files } from '../../files/files.ts';
import type { HistoryStore } from '../reads/history.ts';
import { resting } from './rest.ts';

export interface DownloadsOptions {
  readonly view: ChatView;
  readonly store: HistoryStore;
  readonly files: Files;
  readonly clock: Clock;
}

export class Downloads {
  readonly #options: DownloadsOptions;

  constructor(options: DownloadsOptions) {
    this.#options = options;
  }

  /** Behind a barrier. What may not be read is, to whoever asks, not there: rejects UNKNOWN_FILE. */
  async describe(account: AccountId, id: FileId): Promise<FileDescription> {
    const { view, store } = this.#options;
    const reference = view.files.file(id);
    if (reference === undefined) throw new CodedError('UNKNOWN_FILE');
    const { conversation, sequence } = reference;
    // The rule of history: who is in a conversation reads all of it.
    if (view.conversation(conversation)?.includes(account) !== true) throw new CodedError('UNKNOWN_FILE');
    const [found] = await store.readStream(conversation, { from: sequence, to: sequence, limit: 1 });
    const body = found === undefined ? null : decodeMessage(conversation, sequence, found.record).body;
    if (body?.kind !== 'file') throw new CodedError('UNKNOWN_FILE');
    return body.file;
  }

  /** Bytes [from, to), as the reader takes them, with a rest before each piece. Rejects UNAVAILABLE where a part is on no reachable node. */
  async *range(file: FileDescription, from: number, to: number): AsyncGenerator<Uint8Array> {
    const { files, clock } = this.#options;
    const pieces = files.reader.range(await files.reader.manifest(file.manifest), from, to);
    try {
      for (;;) {
        const piece = await resting(clock, () => pieces.next());
        if (piece.done === true) return;
        yield piece.value;
      }
    } finally {
      await pieces.return(undefined);
    }
  }

  /** The encoded list of chunks, against which whoever fetches can check each of them. */
  manifest(file: FileDescription): Promise<Uint8Array> {
    return this.#options.files.reader.read(file.manifest);
  }
}
