/**
 * Files as far as the replicated state knows them: which manifest each file message refers to, which manifests uploads have leased, and
 * how much of that each account has. Chunks are on the nodes' disks, outside of `apply`; from here follows which must stay there.
 */
import type { ChangeSet, Row } from '../rows/changes.ts';
import { encodeFileReference, encodeUploadLease } from '../rows/file-rows.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { FileId, FileReference, ManifestAddress, UploadLease } from '../vocabulary/file-types.ts';
import type { AccountId, ConversationId } from '../vocabulary/types.ts';
import type { FilesView } from '../vocabulary/view.ts';

/** Two small files on disk, at least: also an empty file takes room. */
const leastBytes = 8_192;

export interface FileBounds {
  readonly leaseMs: number;
  readonly leasesPerAccount: number;
  /** Most that leave because of one entry: clearing away never holds an entry up. */
  readonly expiriesPerEntry: number;
}

export const defaultFileBounds: FileBounds = {
  leaseMs: 24 * 3_600_000,
  leasesPerAccount: 32,
  expiriesPerEntry: 16,
};

class LeaseRow implements Row {
  readonly lease: UploadLease;
  readonly key: string;
  noted = false;

  constructor(lease: UploadLease) {
    this.lease = lease;
    this.key = leaseKey(lease);
  }

  encode(): Uint8Array {
    return encodeUploadLease(this.lease);
  }
}

class ReferenceRow implements Row {
  readonly reference: FileReference;
  readonly key: string;
  noted = false;

  constructor(reference: FileReference) {
    this.reference = reference;
    this.key = rowPrefix.file + reference.id;
  }

  encode(): Uint8Array {
    return encodeFileReference(this.reference);
  }
}

/** Who wants a manifest; it is gone when nobody does. */
interface Root {
  readonly bytes: number;
  references: number;
  leases: number;
}

export class Files implements FilesView {
  readonly bounds: FileBounds;
  readonly #changes: ChangeSet;
  readonly #references = new Map<FileId, ReferenceRow>();
  readonly #byConversation = new Map<ConversationId, Set<FileId>>();
  /** By key, in the order of their end: all last equally long, and a renewed one goes to the back. */
  readonly #leases = new Map<string, LeaseRow>();
  readonly #leasesOf = new Map<AccountId, number>();
  readonly #roots = new Map<ManifestAddress, Root>();
  /** References and leases together. */
  readonly #bytesOf = new Map<AccountId, number>();
  #clusterBytes = 0;
  #additions = 0;
  #known = true;

  constructor(changes: ChangeSet, bounds: FileBounds) {
    this.#changes = changes;
    this.bounds = bounds;
  }

  // ——— what is asked

  get additions(): number {
    return this.#additions;
  }

  get known(): boolean {
    return this.#known;
  }

  *referenced(): Iterable<ManifestAddress> {
    for (const [manifest, { references }] of this.#roots) if (references > 0) yield manifest;
  }

  *leased(): Iterable<ManifestAddress> {
    for (const [manifest, { leases }] of this.#roots) if (leases > 0) yield manifest;
  }

  has(manifest: ManifestAddress): boolean {
    return this.#roots.has(manifest);
  }

  file(id: FileId): FileReference | undefined {
    return this.#references.get(id)?.reference;
  }

  lease(account: AccountId, manifest: ManifestAddress): UploadLease | undefined {
    return this.#leases.get(leaseKey({ account, manifest }))?.lease;
  }

  leaseCount(account: AccountId): number {
    return this.#leasesOf.get(account) ?? 0;
  }

  bytesOf(account: AccountId): number {
    return this.#bytesOf.get(account) ?? 0;
  }

  /** Each manifest once, however many messages refer to it. */
  get clusterBytes(): number {
    return this.#clusterBytes;
  }

  // ——— what is changed

  /** A new lease, or the same one for its full time again. */
  grant(lease: UploadLease): void {
    const key = leaseKey(lease);
    const before = this.#leases.get(key);
    if (before !== undefined) this.#forgetLease(before);
    const row = this.#rememberLease(lease);
    this.#changes.put(row);
  }

  cancel(account: AccountId, manifest: ManifestAddress): void {
    const row = this.#leases.get(leaseKey({ account, manifest }));
    if (row !== undefined) this.#endLease(row);
  }

  cancelAll(account: AccountId): void {
    if (this.leaseCount(account) === 0) return;
    for (const row of [...this.#leases.values()]) if (row.lease.account === account) this.#endLease(row);
  }

  /** A message carries the file: what was leased for it is now referred to. */
  refer(reference: FileReference): void {
    this.#changes.put(this.#rememberReference(reference));
    this.cancel(reference.owner, reference.manifest);
  }

  /** The conversation is gone, and its messages with it. */
  dropConversation(conversation: ConversationId): void {
    for (const id of this.#byConversation.get(conversation) ?? []) {
      const row = this.#references.get(id);
      if (row !== undefined) this.#forgetReference(row);
    }
    this.#byConversation.delete(conversation);
  }

  /** Its message was deleted. Nothing happens where no message refers to it. */
  release(id: FileId): void {
    const row = this.#references.get(id);
    if (row === undefined) return;
    this.#byConversation.get(row.reference.conversation)?.delete(id);
    this.#forgetReference(row);
  }

  /** Messages of the conversation below that sequence are gone. */
  releaseBelow(conversation: ConversationId, sequence: number): void {
    // In the order of their messages, so the first one that stays ends it.
    for (const id of this.#byConversation.get(conversation) ?? []) {
      const row = this.#references.get(id);
      if (row !== undefined && row.reference.sequence >= sequence) return;
      this.release(id);
    }
  }

  expire(clusterMs: number): void {
    let left = this.bounds.expiriesPerEntry;
    for (const row of this.#leases.values()) {
      if (row.lease.untilMs > clusterMs || left-- === 0) return;
      this.#endLease(row);
    }
  }

  // ——— loading

  restore(references: readonly FileReference[], leases: readonly UploadLease[]): void {
    // In the order of their keys 10 comes before 9.
    const ascending = [...references].sort((a, b) => a.id - b.id);
    for (const reference of ascending) this.#rememberReference(reference);
    const inOrder = [...leases].sort((a, b) => a.untilMs - b.untilMs || a.index - b.index);
    for (const lease of inOrder) this.#rememberLease(lease);
    this.#known = true;
  }

  *rows(): Iterable<Row> {
    yield* this.#references.values();
    yield* this.#leases.values();
  }

  /** Until `restore`, this is not the state. */
  clear(): void {
    this.#known = false;
    this.#additions += 1;
    this.#references.clear();
    this.#byConversation.clear();
    this.#leases.clear();
    this.#leasesOf.clear();
    this.#roots.clear();
    this.#bytesOf.clear();
    this.#clusterBytes = 0;
  }

  #rememberReference(reference: FileReference): ReferenceRow {
    const row = new ReferenceRow(reference);
    this.#references.set(reference.id, row);
    const siblings = this.#byConversation.get(reference.conversation);
    if (siblings === undefined) this.#byConversation.set(reference.conversation, new Set([reference.id]));
    else siblings.add(reference.id);
    this.#count(reference.owner, reference, 'references', 1);
    return row;
  }

  #rememberLease(lease: UploadLease): LeaseRow {
    const row = new LeaseRow(lease);
    this.#leases.set(row.key, row);
    this.#leasesOf.set(lease.account, this.leaseCount(lease.account) + 1);
    this.#count(lease.account, lease, 'leases', 1);
    return row;
  }

  #endLease(row: LeaseRow): void {
    this.#forgetLease(row);
    this.#changes.delete(row);
  }

  #forgetReference(row: ReferenceRow): void {
    this.#references.delete(row.reference.id);
    this.#count(row.reference.owner, row.reference, 'references', -1);
    this.#changes.delete(row);
  }

  #forgetLease(row: LeaseRow): void {
    const { account } = row.lease;
    this.#leases.delete(row.key);
    const left = this.leaseCount(account) - 1;
    if (left > 0) this.#leasesOf.set(account, left);
    else this.#leasesOf.delete(account);
    this.#count(account, row.lease, 'leases', -1);
  }

  #count(
    account: AccountId,
    { manifest, bytes }: { readonly manifest: ManifestAddress; readonly bytes: number },
    what: 'references' | 'leases',
    by: 1 | -1,
  ): void {
    const charged = chargedBytes(bytes);
    const owned = this.bytesOf(account) + by * charged;
    if (owned > 0) this.#bytesOf.set(account, owned);
    else this.#bytesOf.delete(account);
    let root = this.#roots.get(manifest);
    if (root === undefined) {
      root = { bytes: charged, references: 0, leases: 0 };
      this.#roots.set(manifest, root);
      this.#clusterBytes += charged;
    }
    root[what] += by;
    // A manifest that is referred to for the first time is news too: from then on every node is to have it.
    if (by > 0 && root[what] === 1) this.#additions += 1;
    if (root.references + root.leases > 0) return;
    this.#roots.delete(manifest);
    this.#clusterBytes -= root.bytes;
  }
}

export function chargedBytes(bytes: number): number {
  return Math.max(bytes, leastBytes);
}

function leaseKey({ account, manifest }: Pick<UploadLease, 'account' | 'manifest'>): string {
  return `${rowPrefix.lease}${account}/${manifest}`;
}
