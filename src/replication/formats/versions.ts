/**
 * One number for everything that nodes say to each other and write for each other: frames, snapshots, commands in the log. It grows by
 * one when any of these changes, and a node works beside others of the version before and after its own (docs/versions.md):
 *
 * - **Frames** of a link are those of the lower version of its two ends. The newer end translates, by a `FormatStep` that stands for
 *   exactly one version and is deleted with it; nothing else in the program knows of older frames.
 * - **Commands**, and so the rows and snapshots that follow from them, stay those of the older version until every member can read
 *   the newer ones: the cluster's `format`, replicated with the list of members, says how far that is.
 */
export interface VersionRange {
  readonly oldest: number;
  readonly newest: number;
}

/** Bytes of this version as those of the version before, and the other way; null: not to be told in it, or not understood. */
export interface Translation {
  down(bytes: Uint8Array): Uint8Array | null;
  up(bytes: Uint8Array): Uint8Array | null;
}

/** How this version talks with the one before it. */
export interface FormatStep {
  readonly frames: Translation;
  readonly requests: Translation;
  /** Of the pieces of one stream, in order, by the request (of this version) that asked for it. */
  answers(request: Uint8Array): Translation;
}

export interface Formats {
  readonly newest: number;
  /** Null while there is no version before, or none that is still spoken. */
  readonly before: FormatStep | null;
}

const asItIs: Translation = { down: (bytes) => bytes, up: (bytes) => bytes };

/** Version 2 brought commands (see `chat/codecs/command-format.ts`); what nodes say to each other is as it was. */
const sameFrames: FormatStep = { frames: asItIs, requests: asItIs, answers: () => asItIs };

/** What this program speaks. */
export const formats: Formats = { newest: 2, before: sameFrames };

export function rangeOf({ newest, before }: Formats): VersionRange {
  return { newest, oldest: before === null ? newest : newest - 1 };
}

/** What two nodes speak with each other; null when they are too far apart. */
export function spokenVersion(one: VersionRange, other: VersionRange): number | null {
  const spoken = Math.min(one.newest, other.newest);
  return spoken >= Math.max(one.oldest, other.oldest) ? spoken : null;
}

export function describeRange({ oldest, newest }: VersionRange): string {
  return oldest === newest ? `version ${newest}` : `versions ${oldest} to ${newest}`;
}

/** Which versions of commands there are, and for how long an upgrade can be taken back. */
export interface EngineFormats {
  readonly newest: number;
  /** From when the last member knows a newer format until commands of it are proposed. */
  readonly raiseAfterMs: number;
}

export const defaultFormats: EngineFormats = { newest: formats.newest, raiseAfterMs: 600_000 };
