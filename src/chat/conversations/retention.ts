/**
 * Which messages are too old. Records say when they were sent by a wall clock, which may jump; so the state notes from time to time, by cluster
 * time, how far a conversation has come, and what was there at a note that is older than the age is too old. Nothing is read for it: every node
 * decides the same by what it has in memory.
 */

import { encodeRetention } from '../codecs/retention-codec.ts';
import type { ChangeSet, Row } from '../rows/changes.ts';
import { rowPrefix } from '../rows/row-codec.ts';
import type { Checkpoint, RetentionData } from '../vocabulary/retention-types.ts';
import type { ConversationId } from '../vocabulary/types.ts';

/** Notes within one age: what is too old goes at most so much of its age too late. */
const checkpointsPerAge = 16;
/** An age that is made shorter or longer leaves more of them, or fewer. */
const largestCheckpoints = 64;

/** How far a conversation has come. */
export type Reach = Omit<Checkpoint, 'clusterMs'>;

class RetentionRow implements RetentionData, Row {
  readonly key: string;
  readonly conversation: ConversationId;
  noted = false;
  ageMs: number | null;
  firstSequence: number;
  firstRevision: number;
  checkpoints: readonly Checkpoint[];

  constructor(data: RetentionData) {
    this.key = rowPrefix.retention + data.conversation;
    this.conversation = data.conversation;
    this.ageMs = data.ageMs;
    this.firstSequence = data.firstSequence;
    this.firstRevision = data.firstRevision;
    this.checkpoints = data.checkpoints;
  }

  encode(): Uint8Array {
    return encodeRetention(this);
  }
}

export class Retention {
  readonly #changes: ChangeSet;
  readonly #rows = new Map<ConversationId, RetentionRow>();

  constructor(changes: ChangeSet) {
    this.#changes = changes;
  }

  of(conversation: ConversationId): RetentionData | undefined {
    return this.#rows.get(conversation);
  }

  setAge(conversation: ConversationId, ageMs: number | null): void {
    const row = this.#row(conversation);
    row.ageMs = ageMs;
    this.#changes.put(row);
  }

  /** Whether `check` would change anything. */
  isDue(conversation: ConversationId, reach: Reach, defaultMs: number | null, clusterMs: number): boolean {
    const known = this.#rows.get(conversation);
    const ageMs = ageOf(known, defaultMs);
    if (ageMs === null) return false;
    return isNoteDue(known, reach, ageMs, clusterMs) || tooOld(known, ageMs, clusterMs) !== null;
  }

  /** Notes how far the conversation has come, if it is time; gives what is too old up to which place, or null. */
  check(
    conversation: ConversationId,
    reach: Reach,
    defaultMs: number | null,
    clusterMs: number,
  ): Reach | null {
    const known = this.#rows.get(conversation);
    const ageMs = ageOf(known, defaultMs);
    if (ageMs === null) return null;
    if (isNoteDue(known, reach, ageMs, clusterMs)) {
      const row = this.#row(conversation);
      row.checkpoints = [...row.checkpoints, { ...reach, clusterMs }];
      this.#changes.put(row);
    }
    return tooOld(this.#rows.get(conversation), ageMs, clusterMs);
  }

  /** Messages and amendments below these are gone. Notes that say no more than that go with them. */
  cut(conversation: ConversationId, firstSequence: number, firstRevision: number): void {
    const row = this.#row(conversation);
    row.firstSequence = firstSequence;
    row.firstRevision = firstRevision;
    row.checkpoints = row.checkpoints.filter(
      ({ sequence, revision }) => sequence >= firstSequence || revision >= firstRevision,
    );
    this.#changes.put(row);
  }

  /** With the conversation. */
  drop(conversation: ConversationId): void {
    const row = this.#rows.get(conversation);
    if (row === undefined) return;
    this.#rows.delete(conversation);
    this.#changes.delete(row);
  }

  restore(data: readonly RetentionData[]): void {
    for (const one of data) this.#rows.set(one.conversation, new RetentionRow(one));
  }

  rows(): Iterable<Row> {
    return this.#rows.values();
  }

  clear(): void {
    this.#rows.clear();
  }

  #row(conversation: ConversationId): RetentionRow {
    const known = this.#rows.get(conversation);
    if (known !== undefined) return known;
    const none = { ageMs: null, firstSequence: 1, firstRevision: 1, checkpoints: [] };
    const row = new RetentionRow({ conversation, ...none });
    this.#rows.set(conversation, row);
    return row;
  }
}

/** Null: for ever. */
function ageOf(known: RetentionData | undefined, defaultMs: number | null): number | null {
  return (known?.ageMs ?? defaultMs) || null;
}

function isNoteDue(
  known: RetentionData | undefined,
  { sequence, revision }: Reach,
  ageMs: number,
  clusterMs: number,
): boolean {
  const { firstSequence = 1, firstRevision = 1, checkpoints = [] } = known ?? {};
  const last = checkpoints.at(-1);
  const isNews =
    sequence > (last?.sequence ?? firstSequence - 1) || revision > (last?.revision ?? firstRevision - 1);
  const isTime = last === undefined || clusterMs - last.clusterMs >= ageMs / checkpointsPerAge;
  return isNews && isTime && checkpoints.length < largestCheckpoints;
}

/** Up to where, of what is still there. */
function tooOld(known: RetentionData | undefined, ageMs: number, clusterMs: number): Reach | null {
  const old = known?.checkpoints.findLast((checkpoint) => clusterMs - checkpoint.clusterMs >= ageMs);
  if (known === undefined || old === undefined) return null;
  return old.sequence >= known.firstSequence || old.revision >= known.firstRevision ? old : null;
}
