/** Messages that carry a file: whether its chunks are there is judged here, whether the request was answered before by the state alone. */
import type { Command, Numbering } from '../../chat/vocabulary/types.ts';
import { safeFileName, safeMediaType } from '../../protocol/file-name.ts';
import type { ChangeRequest, Reply } from '../../protocol/requests.ts';
import type { ConnectionContext } from '../connections/context.ts';
import type { Uploads } from '../files/uploads.ts';
import { addressFault } from './address-fault.ts';
import { rejection } from './replies.ts';

export interface FileServiceOptions {
  readonly uploads: Pick<Uploads, 'isComplete'>;
  readonly barrier: () => Promise<void>;
  readonly propose: (
    context: ConnectionContext,
    command: Command,
    numbering: Numbering | null,
  ) => Promise<Reply>;
}

export class FileService {
  readonly #options: FileServiceOptions;

  constructor(options: FileServiceOptions) {
    this.#options = options;
  }

  /** See docs/decisions/0029-files-over-http.md for why an incomplete upload is proposed all the same. */
  async send(
    context: ConnectionContext,
    request: Extract<ChangeRequest, { op: 'send-file' }>,
    numbering: Numbering | null,
  ): Promise<Reply> {
    const { uploads, barrier, propose } = this.#options;
    const { to, bytes, manifest, replyTo = null } = request;
    const fault = addressFault(to);
    if (fault !== null) return rejection(fault);
    await barrier();
    const account = context.identity?.account;
    const complete = account !== undefined && (await uploads.isComplete(account, manifest));
    const file = { name: safeFileName(request.name), type: safeMediaType(request.type), bytes, manifest };
    const reply = await propose(context, { kind: 'send-file', to, file, replyTo, complete }, numbering);
    if (reply.kind !== 'receipt' || reply.value.op !== 'send') return reply;
    return { kind: 'receipt', value: { ...reply.value, op: 'send-file' } };
  }
}
