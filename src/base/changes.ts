/**
 * What one or many applied entries changed, in the form the store writes: small rows that are replaced, and records
 * that are appended to streams and never change. The store knows neither accounts nor messages.
 */
export interface Changes {
  /** Row key → new value. A key is in `puts` or in `deletes`, never in both. */
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: ReadonlySet<string>;
  /** In order of application; within one stream the sequences ascend by 1 without a gap. */
  readonly appends: readonly StreamAppend[];
  /** Streams whose records are all to be dropped (their conversation is gone for every member). */
  readonly dropStreams: readonly string[];
  /** Streams that lose their front, behind the appends. */
  readonly trims: readonly StreamTrim[];
}

export interface StreamAppend {
  /** Printable ASCII without `!`. */
  readonly stream: string;
  /** 1 for the first record of a stream. */
  readonly sequence: number;
  readonly record: Uint8Array;
}

/** All records below this sequence go. A few hundred at a time: they are read once more for it. */
export interface StreamTrim {
  readonly stream: string;
  /** At most one behind the last record; of a stream without records any: it begins there. */
  readonly below: number;
}

export const noChanges: Changes = {
  puts: new Map(),
  deletes: new Set(),
  appends: [],
  dropStreams: [],
  trims: [],
};
