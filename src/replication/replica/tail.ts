/** What a log holds behind a state, applied without a cluster: for whoever saves what is left of one that has lost its majority. */
import { confChangeOf, type Entry } from '../../raft/index.ts';
import type { AppliedMark, StateStore } from '../../store/state-store.ts';
import type { LogStore } from '../../wal/log-store.ts';
import { decodeEnvelope } from '../formats/envelope.ts';
import { decodeContext, decodeDirectory, encodeDirectory } from '../formats/members.ts';
import type { StateMachine } from '../ports/state-machine.ts';

const stageEveryEntries = 256;

/**
 * To the log's very end: an entry that this node holds may have been acknowledged, whether or not it ever heard so; one that was not is an
 * unknown outcome, and may take effect. The machine must hold the state of the store. Changes of members are passed over.
 */
export async function applyTail({
  store,
  log,
  machine,
}: {
  readonly store: StateStore;
  readonly log: Pick<LogStore, 'recovered'>;
  readonly machine: StateMachine<unknown, unknown>;
}): Promise<AppliedMark | null> {
  let mark = store.mark;
  if (mark === null) return null;
  let staged = mark.index;
  for (const entry of log.recovered.entries) {
    if (entry.index <= mark.index) continue;
    mark = applyEntry(entry, mark, machine);
    if (mark.index - staged < stageEveryEntries) continue;
    store.stage(mark, machine.takeChanges());
    staged = mark.index;
    await store.flush(false);
  }
  if (mark.index > staged) store.stage(mark, machine.takeChanges());
  await store.flush(true);
  return mark;
}

function applyEntry(entry: Entry, mark: AppliedMark, machine: StateMachine<unknown, unknown>): AppliedMark {
  const { index, term, data } = entry;
  const change = confChangeOf(entry);
  if (change !== null) {
    const format = change.context.length === 0 ? undefined : decodeContext(change.context).format;
    const directory = decodeDirectory(mark.engine);
    const raised = { ...directory, format: Math.max(directory.format, format ?? 1) };
    return { ...mark, index, term, engine: encodeDirectory(raised) };
  }
  if (data.length === 0) return { ...mark, index, term };
  const { time, command } = decodeEnvelope(data);
  machine.apply({ index, time, command });
  return { ...mark, index, term, wallMs: time.wallMs, clusterMs: time.clusterMs };
}
