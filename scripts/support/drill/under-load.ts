/** A running cluster, people who write and read on it at a steady rate, and whatever a caller does to it meanwhile; then the oracle. */
import type { Random } from '../../../src/base/prng.ts';
import { judge, type Verdict } from '../../../test/checkers/verdict.ts';
import type { RealCluster } from '../real-cluster.ts';
import { until } from '../until.ts';
import { Cast } from './cast.ts';
import { Load } from './load.ts';
import { Recorder } from './recorder.ts';

export interface LoadOptions {
  /** Letters that begin the names of the accounts: another one for each load on one cluster. */
  readonly label?: string;
  /** Sends a second, all writers together. */
  readonly rate: number;
  readonly writers: number;
  readonly random: Random;
  readonly roaming?: boolean;
}

export interface Stage {
  readonly recorder: Recorder;
  readonly load: Load;
  readonly cast: Cast;
  /** Until every writer has had an acknowledgement for something that it began after `sinceMs` (now, if left out). */
  goesOn(sinceMs?: number): Promise<void>;
}

export interface Played extends Stage {
  readonly verdict: Verdict;
  /** Why not everything could be read in the end: then the verdict is over what was. */
  readonly trouble: string | null;
}

export const recoveryMs = 20_000;
const readersMs = 30_000;

/**
 * Runs `faults` under load, drains the writers, reads every conversation whole with a new client and lets every live reader get there.
 * All nodes that are needed for that must run again when `faults` returns.
 */
export async function underLoad(
  cluster: RealCluster,
  options: LoadOptions,
  faults: (stage: Stage) => Promise<void>,
): Promise<Played> {
  const { label = 'member', rate, writers, random, roaming } = options;
  const recorder = new Recorder();
  const people = writers + (writers % 2);
  const cast = await Cast.gather(cluster, { label, people, recorder, random, roaming });
  const load = new Load(cast, writers, rate, recorder);
  const goesOn = (sinceMs = performance.now()): Promise<void> => everyWriterGoesOn(load, recorder, sinceMs);
  try {
    load.start();
    for (const watcher of cast.watchers) watcher.wander();
    await goesOn();
    await faults({ recorder, load, cast, goesOn });
    load.stop();
    for (const watcher of cast.watchers) watcher.stay();
    await load.drain();
    const trouble = await readEverything(cast, recorder).then(() => null, textOf);
    return { recorder, load, cast, goesOn, trouble, verdict: judge(recorder.history) };
  } finally {
    load.stop();
    cast.close();
  }
}

async function everyWriterGoesOn(load: Load, recorder: Recorder, sinceMs: number): Promise<void> {
  await until('every writer is acknowledged again', recoveryMs, () =>
    load.names.every((name) => recorder.acknowledgedSince(name, sinceMs)),
  );
}

async function readEverything(cast: Cast, recorder: Recorder): Promise<void> {
  for (const place of cast.places()) {
    const whole = await cast.readWhole(recorder, place);
    if (whole === null) continue;
    const { conversation, last } = whole;
    const { readers } = place;
    await Promise.all(readers.map((reader) => waitForReader(recorder, reader, conversation, last)));
    for (const reader of readers) recorder.complete(reader, conversation);
  }
}

/** A reader that does not get there is a matter for the oracle, which says what is missing: no error here. */
async function waitForReader(
  recorder: Recorder,
  reader: string,
  conversation: string,
  last: number,
): Promise<void> {
  const arrived = until(`${reader} has read ${last}`, readersMs, () => {
    return recorder.highestRead(reader, conversation) >= last;
  });
  await Promise.allSettled([arrived]);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
