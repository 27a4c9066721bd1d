/**
 * Random damage to the files of a cleanly stopped node of three, which is then started beside the two others: each time it must repair
 * itself, refuse and say what to do, or be as if nothing had happened.
 */
import { access, constants, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '../../../../src/base/errors.ts';
import { type Random, seededRandom } from '../../../../src/base/prng.ts';
import { LOG_DIRECTORY } from '../../../../src/replication/storage/data-directory.ts';
import { openLog } from '../../../../src/wal/log.ts';
import type { RecoveredLog } from '../../../../src/wal/log-store.ts';
import { nodeDisk } from '../../../../src/wal/node-disk.ts';
import { Content } from './content.ts';
import { classOf, type Harm, harm } from './harm.ts';
import { InProcessCluster, type InProcessNode } from './in-process-cluster.ts';
import { exportState } from './state-export.ts';

export interface DamageOptions {
  readonly positions: number;
  readonly seed: number;
  /** A directory that is this drill's own. */
  readonly root: string;
  readonly tell: (line: string) => void;
}

type Ending = 'repaired' | 'refused' | 'harmless' | 'silent';

type Counts = Record<Ending, number>;

export interface DamageReport extends Counts {
  readonly seed: number;
  readonly positions: number;
  /** Acknowledged messages that a node of the majority does not have. */
  readonly lost: number;
  readonly byFile: Readonly<Record<string, Counts>>;
  readonly byKind: Readonly<Record<string, Counts>>;
  readonly durationMs: number;
  /** What each silent one was; empty after a good drill. */
  readonly failures: readonly string[];
}

const VICTIM = 3;
const IDS = [1, 2, VICTIM];
/** Between two rounds the cluster gets more content, and the victim another clean stop. */
const ROUND_POSITIONS = 25;
const ROUND_MESSAGES = 150;
/** So much that the victim, while it is away, falls behind the logs of the others. */
const AWAY_MESSAGES = 1_200;
const EARLIER_KEPT = 3;
const RESTARTS = 2;

/** In a directory of its own, which stays when something went wrong. */
export async function runDamage(options: Omit<DamageOptions, 'root'>): Promise<DamageReport> {
  const root = await mkdtemp(join(await quickestDirectory(), 'conclave-damage-'));
  let keep = true;
  try {
    const report = await new DamageDrill({ ...options, root }).run();
    keep = report.failures.length > 0;
    return report;
  } finally {
    if (keep) console.error(`Kept for a look at it: ${root}`);
    else await rm(root, { recursive: true, force: true });
  }
}

/** What is damaged is files, not a device: in memory, where that can be had, a sync costs nothing. */
async function quickestDirectory(): Promise<string> {
  const memory = '/dev/shm';
  const isThere = await access(memory, constants.W_OK).then(
    () => true,
    () => false,
  );
  return isThere ? memory : tmpdir();
}

class DamageDrill {
  readonly #options: DamageOptions;
  readonly #random: Random;
  readonly #cluster: InProcessCluster;
  readonly #content: Content;
  readonly #counts: Counts = none();
  readonly #byFile: Record<string, Counts> = {};
  readonly #byKind: Record<string, Counts> = {};
  readonly #failures: string[] = [];
  #rounds = 0;
  /** The victim's directory at earlier clean stops, one a round, the newest last. */
  readonly #earlier: string[] = [];
  /** What the victim's log held at its last clean stop: what it promised. */
  #promised: RecoveredLog | null = null;

  constructor(options: DamageOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#cluster = new InProcessCluster(options.root, IDS);
    this.#content = new Content(this.#cluster, this.#random);
  }

  async run(): Promise<DamageReport> {
    const { positions, seed, tell } = this.#options;
    const startMs = performance.now();
    const majority = await this.#begin();
    let done = 0;
    while (done < positions) {
      await this.#round(majority);
      const end = Math.min(positions, done + ROUND_POSITIONS);
      for (; done < end; done++) await this.#position(majority, done + 1);
      if (done % 100 === 0 || done === positions) tell(`${done} of ${positions}: ${describe(this.#counts)}`);
    }
    let lost = 0;
    for (const node of majority) lost += await this.#cluster.finish(this.#content.missingOn(node));
    if (lost > 0) this.#failures.push(`${lost} acknowledged messages are lost`);
    for (const node of majority) await node.stop();
    return {
      seed,
      positions,
      ...this.#counts,
      lost,
      byFile: this.#byFile,
      byKind: this.#byKind,
      durationMs: Math.round(performance.now() - startMs),
      failures: this.#failures,
    };
  }

  /** Founds the cluster and fills it so that the victim has been through everything: compaction, and a snapshot from the others. */
  async #begin(): Promise<readonly InProcessNode[]> {
    const nodes: InProcessNode[] = [];
    for (const id of IDS) nodes.push(await this.#cluster.start(id));
    const [one, two, victim] = nodes;
    if (one === undefined || two === undefined || victim === undefined) throw new Error('three nodes');
    await this.#led(nodes);
    await this.#content.register(one);
    await this.#content.send(one, ROUND_MESSAGES);
    await this.#stopVictim(victim, nodes);
    await this.#content.send(two, AWAY_MESSAGES);
    return [one, two];
  }

  async #led(nodes: readonly InProcessNode[]): Promise<void> {
    const led = (): boolean => nodes.some(({ engine }) => engine.status().role === 'leader');
    if (!(await this.#cluster.comes(led))) throw new Error('nobody was elected');
  }

  get #image(): string {
    return join(this.#options.root, 'image');
  }

  /** Cleanly, once it has all that the others have. */
  async #stopVictim(victim: InProcessNode, others: readonly InProcessNode[]): Promise<void> {
    if (!(await this.#caughtUp(victim, others))) throw new Error('the victim did not catch up');
    await victim.stop();
    await this.#keepImage();
  }

  /**
   * The victim's directory as it was stopped, for the next positions: going back behind what it acknowledged would be an amnesia of the
   * drill's own making.
   */
  async #keepImage(): Promise<void> {
    const root = this.#cluster.rootOf(VICTIM);
    await rm(this.#image, { recursive: true, force: true });
    await cp(root, this.#image, { recursive: true });
    const log = await openLog({ disk: nodeDisk(root), directory: LOG_DIRECTORY });
    this.#promised = { ...log.recovered };
    await log.close();
  }

  async #caughtUp(victim: InProcessNode, others: readonly InProcessNode[]): Promise<boolean> {
    return await this.#cluster.comes(() => {
      if (victim.fatal.length > 0) return true;
      const { role, appliedIndex } = victim.engine.status();
      const takesPart = role === 'follower' || role === 'leader';
      return takesPart && others.every(({ engine }) => engine.status().appliedIndex === appliedIndex);
    });
  }

  async #restore(): Promise<void> {
    const root = this.#cluster.rootOf(VICTIM);
    await rm(root, { recursive: true, force: true });
    await cp(this.#image, root, { recursive: true });
  }

  async #round(majority: readonly InProcessNode[]): Promise<void> {
    const earlier = join(this.#options.root, `earlier-${this.#rounds++}`);
    await cp(this.#image, earlier, { recursive: true });
    this.#earlier.push(earlier);
    if (this.#earlier.length > EARLIER_KEPT) {
      await rm(this.#earlier.shift() ?? '', { recursive: true, force: true });
    }
    await this.#restore();
    const victim = await this.#cluster.start(VICTIM);
    const [one] = majority;
    if (one !== undefined) await this.#content.send(one, ROUND_MESSAGES);
    await this.#stopVictim(victim, majority);
  }

  async #position(majority: readonly InProcessNode[], number: number): Promise<void> {
    let harmed: Harm | null = null;
    while (harmed === null) {
      await this.#restore();
      harmed = await harm(this.#cluster.rootOf(VICTIM), this.#earlier, this.#random);
    }
    const [ending, why] = await this.#outcome(majority);
    this.#counts[ending]++;
    count(this.#byFile, classOf(harmed.file), ending);
    count(this.#byKind, harmed.kind, ending);
    if (ending !== 'silent') return;
    const text = `position ${number}, ${harmed.kind} of ${harmed.file} ${harmed.detail}: ${why}`;
    this.#failures.push(text);
    this.#options.tell(text);
  }

  /** Starts the victim, and looks at what it does. */
  async #outcome(majority: readonly InProcessNode[]): Promise<readonly [Ending, string]> {
    let victim: InProcessNode;
    try {
      victim = await this.#cluster.start(VICTIM);
    } catch (error) {
      return refusal(error);
    }
    let [ending, why] = await this.#lookAt(victim, majority);
    for (let restarts = 0; ending === 'restart' && restarts < RESTARTS; restarts++) {
      // As `npm start` does with a node that leaves with 74.
      victim = await this.#cluster.start(VICTIM);
      [ending, why] = await this.#lookAt(victim, majority);
    }
    await this.#keepImage();
    return ending === 'restart' ? ['silent', `it stopped again and again: ${why}`] : [ending, why];
  }

  async #lookAt(
    victim: InProcessNode,
    majority: readonly InProcessNode[],
  ): Promise<readonly [Ending | 'restart', string]> {
    try {
      const broken = this.#brokenPromise(victim.recovered);
      if (broken !== null) return ['silent', broken];
      return await this.#compared(victim, majority);
    } catch (error) {
      if (error instanceof CodedError && error.code === 'DISK_FAILED') return ['restart', error.message];
      throw error;
    } finally {
      await victim.stop();
    }
  }

  /** What it holds in the end, beside what the others hold. */
  async #compared(
    victim: InProcessNode,
    majority: readonly InProcessNode[],
  ): Promise<readonly [Ending, string]> {
    if (!(await this.#caughtUp(victim, majority))) {
      return ['silent', `it never took part: ${victim.engine.status().alarms.join('; ')}`];
    }
    const [writer] = majority;
    if (writer !== undefined) await this.#content.send(writer, 1);
    await this.#caughtUp(victim, majority);
    if (victim.fatal.length > 0) throw victim.fatal[0];
    let found = await this.#exported(victim);
    if (found === null) {
      // It has read for itself that its history is damaged: it must get another one without being told.
      const replaced = (): boolean => rebuilds(victim) > 0 && victim.engine.status().role === 'follower';
      if (!(await this.#cluster.comes(replaced)))
        return ['silent', 'damage was read, and nothing done about it'];
      await this.#caughtUp(victim, majority);
      found = await this.#exported(victim);
    }
    const [other] = majority;
    const expected = other === undefined ? null : await this.#exported(other);
    if (found === null || found !== expected) return ['silent', 'its content is not that of the others'];
    return [rebuilds(victim) > 0 ? 'repaired' : 'harmless', ''];
  }

  async #exported({ store }: InProcessNode): Promise<string | null> {
    try {
      const { index, digest } = await this.#cluster.finish(exportState(store));
      return `${index} ${digest}`;
    } catch (error) {
      if (error instanceof CodedError && error.code === 'DATA_DAMAGED') return null;
      throw error;
    }
  }

  /** A log that was accepted must hold every promise: term, vote, and all entries, itself or by the state that it begins behind. */
  #brokenPromise(found: RecoveredLog): string | null {
    const promised = this.#promised;
    if (promised === null) return null;
    const [now, then] = [found.hardState, promised.hardState];
    if (now.term < then.term || (now.term === then.term && now.vote !== then.vote)) {
      return `term and vote were ${JSON.stringify(then)} and are ${JSON.stringify(now)}`;
    }
    const [last, expected] = [lastOf(found), lastOf(promised)];
    return last >= expected ? null : `the log went to entry ${expected} and goes to ${last}`;
  }
}

function refusal(error: unknown): readonly [Ending, string] {
  if (!(error instanceof CodedError)) return ['silent', `it crashed: ${String(error)}`];
  const isRefusal = error.code === 'DATA_DAMAGED';
  const namesFile = /identity\.json|wal\/|state-\d|CURRENT-STATE/.test(error.message);
  const saysWhatToDo = /members replace \d/.test(error.message);
  if (isRefusal && namesFile && saysWhatToDo) return ['refused', ''];
  return ['silent', `it refused, and does not say which file or what to do: ${error.message}`];
}

function rebuilds({ engine }: InProcessNode): number {
  return engine.status().storage?.rebuilds ?? 0;
}

function lastOf({ start, entries }: RecoveredLog): number {
  return entries.at(-1)?.index ?? start?.index ?? 0;
}

function none(): Counts {
  return { repaired: 0, refused: 0, harmless: 0, silent: 0 };
}

function count(table: Record<string, Counts>, key: string, ending: Ending): void {
  const counts = table[key] ?? none();
  counts[ending]++;
  table[key] = counts;
}

function describe({ repaired, refused, harmless, silent }: Counts): string {
  return `${repaired} repaired, ${refused} refused, ${harmless} harmless, ${silent} silent`;
}
