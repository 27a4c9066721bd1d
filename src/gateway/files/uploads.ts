/**
 * Uploads as the node sees them: a lease in the replicated state, then chunks, each on a majority before it is acknowledged. Every step may be
 * repeated, on any node. The message that carries the file is sent like any other.
 */
import { unreachable } from '../../base/assert.ts';
import { CodedError } from '../../base/errors.ts';
import { encodeProposal } from '../../chat/codecs/codec.ts';
import { chargedBytes, defaultFileBounds } from '../../chat/conversations/files.ts';
import type { FileQuota, ManifestAddress } from '../../chat/vocabulary/file-types.ts';
import type { AccountId, ChatEvent, Command, Result } from '../../chat/vocabulary/types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import { addressOf } from '../../files/digest.ts';
import type { Files } from '../../files/files.ts';
import { formatBytes } from '../../protocol/file-text.ts';
import { chunkBytes, chunkLength, decodeManifest } from '../../protocol/manifest.ts';
import type { Engine } from '../../replication/ports/engine.ts';

export interface UploadsOptions {
  readonly engine: Pick<Engine<Result, ChatEvent>, 'propose'>;
  readonly view: ChatView;
  readonly files: Files;
  readonly quota: FileQuota;
}

export interface UploadState {
  readonly manifest: ManifestAddress;
  readonly bytes: number;
  readonly chunkBytes: number;
  readonly chunks: number;
  /** Places of the chunks that a majority does not hold yet, ascending from 0. */
  readonly missing: readonly number[];
}

/** Half of a lease's time. */
const renewBelowMs = defaultFileBounds.leaseMs / 2;

export class Uploads {
  readonly #options: UploadsOptions;

  constructor(options: UploadsOptions) {
    this.#options = options;
  }

  /** Leases room for the file of this manifest, or renews the lease. Rejects with TOO_LARGE, QUOTA_EXCEEDED, UNAVAILABLE … */
  async begin(account: AccountId, encoded: Uint8Array): Promise<UploadState> {
    const { files, quota } = this.#options;
    const described = decodeManifest(encoded);
    if (described === null) throw new CodedError('BAD_REQUEST', 'The body is no manifest of a file.');
    const { bytes } = described;
    if (bytes > quota.fileBytes) throw new CodedError('TOO_LARGE');
    const manifest = addressOf(encoded);
    if (this.#needsLease(account, manifest)) {
      await this.#propose(account, { kind: 'lease-upload', manifest, bytes, quota }).catch(
        (error: unknown) => {
          throw this.#explained(error, account, bytes);
        },
      );
    }
    await files.holdings.put(manifest, manifest, encoded);
    return this.state(account, manifest);
  }

  async state(account: AccountId, manifest: ManifestAddress): Promise<UploadState> {
    this.#requireLease(account, manifest);
    const found = await this.#options.files.holdings.holdings(manifest);
    if (found === null) throw new CodedError('UNAVAILABLE');
    const { bytes, chunks } = found.manifest;
    const missing = found.held.flatMap((held, place) => (held ? [] : [place]));
    return { manifest, bytes, chunkBytes, chunks: chunks.length, missing };
  }

  /** On a majority once resolved. */
  async put(
    account: AccountId,
    manifest: ManifestAddress,
    place: number,
    content: Uint8Array,
  ): Promise<void> {
    const { files } = this.#options;
    this.#requireLease(account, manifest);
    const described = await files.reader.manifest(manifest);
    const address = described.chunks[place];
    if (address === undefined) throw new CodedError('BAD_REQUEST', 'The file has no such chunk.');
    if (content.length !== chunkLength(described, place)) {
      throw new CodedError('BAD_REQUEST', `Chunk ${place} has ${chunkLength(described, place)} bytes.`);
    }
    await files.holdings.put(manifest, address, content);
  }

  async cancel(account: AccountId, manifest: ManifestAddress): Promise<void> {
    await this.#propose(account, { kind: 'cancel-upload', manifest });
  }

  /**
   * Whether a message may name the file: it is leased, and everything of it is on a majority. To be asked behind a barrier. Rejects
   * UNAVAILABLE when too few nodes say what they hold.
   */
  async isComplete(account: AccountId, manifest: ManifestAddress): Promise<boolean> {
    if (this.#options.view.files.lease(account, manifest) === undefined) return false;
    const { missing } = await this.state(account, manifest);
    return missing.length === 0;
  }

  /** One that has long to live is not renewed: whoever asks again and again what is missing writes nothing into the log. */
  #needsLease(account: AccountId, manifest: ManifestAddress): boolean {
    const { view } = this.#options;
    const lease = view.files.lease(account, manifest);
    return lease === undefined || lease.untilMs - view.clusterMs < renewBelowMs;
  }

  /** Where it was the account's own quota that the state refused by, a person can help themselves. */
  #explained(error: unknown, account: AccountId, bytes: number): unknown {
    if (!(error instanceof CodedError) || error.code !== 'QUOTA_EXCEEDED') return error;
    const { view, quota } = this.#options;
    const taken = view.files.bytesOf(account);
    if (taken + chargedBytes(bytes) <= quota.accountBytes) return error;
    const [room, used] = [quota.accountBytes, taken].map(formatBytes);
    return new CodedError(error.code, `No room for this file: of ${room} for your files ${used} are taken.`);
  }

  #requireLease(account: AccountId, manifest: ManifestAddress): void {
    if (this.#options.view.files.lease(account, manifest) === undefined) {
      throw new CodedError('UNKNOWN_UPLOAD');
    }
  }

  async #propose(account: AccountId, command: Command): Promise<void> {
    const proposal = encodeProposal({ numbering: null, actor: { account, session: null }, command });
    const outcome = await this.#options.engine.propose(proposal);
    switch (outcome.kind) {
      case 'applied':
        if (!outcome.result.ok) throw new CodedError(outcome.result.code);
        return;
      case 'refused':
        throw new CodedError(outcome.code);
      case 'unknown':
        throw new CodedError('UNKNOWN_OUTCOME');
      default:
        unreachable(outcome);
    }
  }
}
