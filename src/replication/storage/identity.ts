import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { crc32c } from '../../base/crc.ts';
import type { Disk } from '../../base/disk.ts';
import { CodedError } from '../../base/errors.ts';

/**
 * `identity.json`: what makes a data directory one member of one cluster. Written before anything else, so that a wiped disk
 * is somebody else: it can never vote again under the id that once promised something.
 */
const FILE = 'identity.json';

const position = Type.Object({
  index: Type.Integer({ minimum: 1 }),
  term: Type.Integer({ minimum: 1 }),
});
const schema = Type.Object(
  {
    version: Type.Literal(1),
    cluster: Type.String(),
    node: Type.Integer({ minimum: 1 }),
    incarnation: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    founded: Type.Boolean(),
    installing: Type.Union([position, Type.Null()]),
    removed: Type.Optional(Type.Boolean()),
    lost: Type.Optional(Type.Object({ acknowledged: Type.Integer(), lastIndex: Type.Integer() })),
    /** CRC-32C of all the rest; an earlier version wrote none. */
    checksum: Type.Optional(Type.String()),
  },
  { additionalProperties: false },
);

type Content = Static<typeof schema>;

export interface Identity {
  /** Random, for the life of the directory; the member's id in the Raft group. */
  readonly incarnation: number;
  /** The log holds the founding record, or a snapshot: from now on an empty log is a lost one. */
  readonly founded: boolean;
  /** A snapshot up to there was about to replace state and log; null when none was. */
  readonly installing: { readonly index: number; readonly term: number } | null;
  /** The member that this directory was is no member any more, and never will be. */
  readonly removed: boolean;
  /** The log was found to end before an entry that was acknowledged with it: it must not be taken part with any more. Null: it was not. */
  readonly lost: LostEntries | null;
  /** Durable when resolved. */
  markFounded(): Promise<void>;
  markInstalling(position: { readonly index: number; readonly term: number } | null): Promise<void>;
  markRemoved(): Promise<void>;
  markLost(lost: LostEntries): Promise<void>;
}

export interface LostEntries {
  readonly acknowledged: number;
  readonly lastIndex: number;
}

export interface IdentityOwner {
  readonly cluster: string;
  readonly node: number;
  /** A uniform integer in [0, 2^53). */
  readonly random53: () => number;
}

/** Reads the identity, or makes one in a directory that is empty. Rejects with DATA_FOREIGN or DATA_DAMAGED. */
export async function loadIdentity(disk: Disk, owner: IdentityOwner): Promise<Identity> {
  const stored = await disk.read(FILE);
  if (stored !== null) return new StoredIdentity(disk, check(parse(stored), owner));
  // Another incarnation beside what this one promised would be an amnesiac.
  const left = (await disk.list('.')).filter((name) => /^(wal|CURRENT-STATE|state-\d+)$/.test(name));
  if (left.length > 0) {
    throw new CodedError(
      'DATA_DAMAGED',
      `${FILE} is missing, and the data directory holds ${left.join(', ')}.`,
    );
  }
  const content: Content = {
    version: 1,
    cluster: owner.cluster,
    node: owner.node,
    // 0 is nobody, and the two largest safe integers address a core's own storage threads.
    incarnation: 1 + (owner.random53() % (Number.MAX_SAFE_INTEGER - 3)),
    founded: false,
    installing: null,
  };
  const identity = new StoredIdentity(disk, content);
  await identity.save(content);
  return identity;
}

/** To whom a directory belongs, by its own word; null where there is no identity. Rejects with DATA_DAMAGED. */
export async function ownerOf(
  disk: Disk,
): Promise<{ readonly cluster: string; readonly node: number } | null> {
  const stored = await disk.read(FILE);
  if (stored === null) return null;
  const { cluster, node } = parse(stored);
  return { cluster, node };
}

class StoredIdentity implements Identity {
  readonly #disk: Disk;
  #content: Content;
  #saving: Promise<void> = Promise.resolve();

  constructor(disk: Disk, content: Content) {
    this.#disk = disk;
    this.#content = content;
  }

  get incarnation(): number {
    return this.#content.incarnation;
  }

  get founded(): boolean {
    return this.#content.founded;
  }

  get installing(): Identity['installing'] {
    return this.#content.installing;
  }

  get removed(): boolean {
    return this.#content.removed ?? false;
  }

  get lost(): LostEntries | null {
    return this.#content.lost ?? null;
  }

  async markLost({ acknowledged, lastIndex }: LostEntries): Promise<void> {
    if (this.lost === null) await this.#change({ lost: { acknowledged, lastIndex } });
  }

  async markRemoved(): Promise<void> {
    if (!this.removed) await this.#change({ removed: true });
  }

  async markFounded(): Promise<void> {
    if (!this.founded) await this.#change({ founded: true });
  }

  async markInstalling(installing: Identity['installing']): Promise<void> {
    await this.#change({ installing });
  }

  /** One after the other: a removal is told at any time, also in the middle of an install. */
  async #change(change: Partial<Content>): Promise<void> {
    const saved = this.#saving.then(() => this.save({ ...this.#content, ...change }));
    // What became of it is for its own caller.
    this.#saving = saved.catch(() => undefined);
    await saved;
  }

  async save(content: Content): Promise<void> {
    const written = { ...content, checksum: checksumOf(content) };
    try {
      await this.#disk.replace(FILE, new TextEncoder().encode(`${JSON.stringify(written, null, 2)}\n`));
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new CodedError('DISK_FAILED', `${FILE} could not be written: ${text}`, { cause: error });
    }
    this.#content = content;
  }
}

function parse(bytes: Uint8Array): Content {
  const damaged = (cause?: unknown): CodedError =>
    new CodedError('DATA_DAMAGED', `${FILE} in the data directory is not readable.`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw damaged(error);
  }
  if (!Value.Check(schema, value)) throw damaged();
  const { checksum, ...content } = value;
  if (checksum !== undefined && checksum !== checksumOf(content)) throw damaged();
  return content;
}

function checksumOf(content: Content): string {
  return crc32c(new TextEncoder().encode(JSON.stringify(content))).toString(16);
}

function check(content: Content, owner: IdentityOwner): Content {
  if (content.cluster !== owner.cluster) {
    throw new CodedError(
      'DATA_FOREIGN',
      `By ${FILE} the data directory belongs to cluster "${content.cluster}", this node to cluster "${owner.cluster}".`,
    );
  }
  if (content.node !== owner.node) {
    throw new CodedError(
      'DATA_FOREIGN',
      `By ${FILE} the data directory belongs to node ${content.node}, this is node ${owner.node}.`,
    );
  }
  return content;
}

export function removedError(node: number): CodedError {
  return new CodedError(
    'MEMBER_REMOVED',
    `Node ${node} was removed from the cluster. To let it join again, remove its data directory, start it, and admit it with \`members add ${node}\`. Where another disk has taken its place, this one is not needed any more.`,
  );
}

/** Of a whole directory that is older than what the cluster knows of it, or of a disk that forgot what it had synced. */
export function lostError(node: number, { acknowledged, lastIndex }: LostEntries): CodedError {
  return new CodedError(
    'DATA_DAMAGED',
    `Node ${node} has acknowledged entries up to ${acknowledged}, and its log in wal/ ends at entry ${lastIndex}: the data directory is an older copy of itself, or the disk has lost what was written to it.`,
  );
}
