/** The vocabulary of files: what is proposed and kept of them. Their content is never here. */
import type { AccountId, ConversationId } from './ids.ts';

/** SHA-256 of a file's manifest, 64 hex digits: stands for the content of the file. */
export type ManifestAddress = string;

/** Log index of the message that carries the file. */
export type FileId = number;

/** A file as its sender describes it. */
export interface FileDescription {
  /** A wish, not a path: whoever saves the file makes a name of it. */
  readonly name: string;
  /** Media type. */
  readonly type: string;
  readonly bytes: number;
  readonly manifest: ManifestAddress;
}

/** A message of this conversation carries a file with this content. */
export interface FileReference {
  readonly id: FileId;
  readonly conversation: ConversationId;
  readonly sequence: number;
  readonly manifest: ManifestAddress;
  readonly bytes: number;
  /** Whose quota it counts against. */
  readonly owner: AccountId;
}

/** Room and protection for the chunks of an upload that has no message yet. */
export interface UploadLease {
  readonly account: AccountId;
  readonly manifest: ManifestAddress;
  readonly bytes: number;
  /** Cluster time. */
  readonly untilMs: number;
  /** Of the entry that granted it. */
  readonly index: number;
}

/** From the configuration of the node that proposes, in bytes. */
export interface FileQuota {
  readonly fileBytes: number;
  readonly accountBytes: number;
  readonly clusterBytes: number;
}

export type FileCommand =
  /** The manifest, which the gateway has read, describes a file of so many bytes. */
  | {
      readonly kind: 'lease-upload';
      readonly manifest: ManifestAddress;
      readonly bytes: number;
      readonly quota: FileQuota;
    }
  | { readonly kind: 'cancel-upload'; readonly manifest: ManifestAddress }
  | {
      readonly kind: 'send-file';
      /** As in `send`. */
      readonly to: string;
      readonly file: FileDescription;
      readonly replyTo: number | null;
      /** The gateway has seen every chunk on a majority. One that has not proposes all the same: the request may be a retry. */
      readonly complete: boolean;
    };

export type FileReceipt =
  | { readonly kind: 'upload-leased'; readonly manifest: ManifestAddress; readonly bytes: number }
  | { readonly kind: 'upload-cancelled'; readonly manifest: ManifestAddress };
