/**
 * People of all five dialects and of the native protocol on one cluster, saying things to each other, to a group and to everyone, with files, while
 * the leader is killed again and again. What is judged: nothing that was acknowledged is lost, nothing comes twice to a reader that
 * acknowledges, and every reader of a conversation has it in one order.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Random, seededRandom } from '../../../../src/base/prng.ts';
import { judge } from '../../../../test/checkers/verdict.ts';
import type { RealCluster } from '../../real-cluster.ts';
import { until } from '../../until.ts';
import { Company } from './company.ts';
import { Journal } from './journal.ts';
import { readConversation } from './native-people.ts';
import { groupName } from './speech.ts';

export interface MixOptions {
  readonly kills: number;
  readonly seed: number;
  readonly tell?: (line: string) => void;
}

export interface MixReport {
  readonly nodes: number;
  readonly seed: number;
  readonly kills: number;
  readonly durationMs: number;
  readonly acknowledged: number;
  /** Of raw lines whose answer did not come, most of all. */
  readonly unknown: number;
  readonly rejected: number;
  readonly acknowledgedBy: Readonly<Record<string, number>>;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
  readonly otherViolations: number;
  readonly files: number;
  /** Connections that people of the line dialects made again, by hand. */
  readonly reconnections: number;
  /** What came once more on a new connection, to readers who cannot acknowledge. */
  readonly repeatsAfterReconnection: number;
  readonly failures: readonly string[];
}

const recoveryMs = 30_000;
const arrivalMs = 60_000;
const shownFailures = 20;
const calmMs = { least: 300, most: 1_500 };

export async function runMix(cluster: RealCluster, options: MixOptions): Promise<MixReport> {
  const journal = new Journal();
  const random = seededRandom(options.seed);
  const company = await Company.gather(cluster, journal);
  const failures: string[] = [];
  let kills = 0;
  const beganMs = performance.now();
  try {
    const talking = company.talk();
    await everyoneGoesOn(company, journal);
    while (kills < options.kills && failures.length === 0) {
      await delay(between(random, calmMs));
      const failure = await killTheLeader(cluster, company, journal, random, options.tell);
      if (failure === null) kills += 1;
      else failures.push(`kill ${kills + 1}: ${failure}`);
    }
    company.stop();
    await talking;
    const durationMs = performance.now() - beganMs;
    failures.push(...(await readEverything(cluster, company, journal)));
    return report(cluster, options, company, journal, { kills, durationMs, failures });
  } finally {
    await company.close();
  }
}

async function everyoneGoesOn(company: Company, journal: Journal): Promise<void> {
  const sinceMs = performance.now();
  for (const { name } of company.writers) {
    await until(`${name} is acknowledged again`, recoveryMs, () => journal.lastAckMs(name) > sinceMs);
  }
}

async function killTheLeader(
  cluster: RealCluster,
  company: Company,
  journal: Journal,
  random: Random,
  tell: ((line: string) => void) | undefined,
): Promise<string | null> {
  try {
    const victim = await cluster.leader();
    await cluster.end(victim.id, 'SIGKILL');
    await cluster.leader(victim.term, recoveryMs);
    await everyoneGoesOn(company, journal);
    await delay(between(random, calmMs));
    await cluster.restart(victim.id);
    await cluster.converged(recoveryMs);
    tell?.(
      `node ${victim.id}, leader of term ${victim.term}, was killed; everyone was served without it; it is back`,
    );
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Waits for what must arrive, then reads all conversations whole. What went wrong, if anything did. */
async function readEverything(cluster: RealCluster, company: Company, journal: Journal): Promise<string[]> {
  const failures: string[] = [];
  const live = company.readers.filter(({ dialect }) => dialect !== 'registry');
  const due = live.flatMap(({ name }) =>
    journal.acknowledged
      .filter(({ to }) => to === name || to === 'group')
      .map(({ token, client }) => ({ name, token, client })),
  );
  const missing = () => due.filter(({ name, token }) => !journal.hasHeard(name, token));
  await until('all readers have all of it', arrivalMs, () => missing().length === 0).catch(() => undefined);
  for (const { name, token, client } of missing())
    failures.push(`lost: ${name} never heard ${token} of ${client}`);

  for (const writer of company.writers) {
    for (const reader of company.readers) {
      const [bearer, other] = reader.dialect === 'registry' ? [reader, writer] : [writer, reader];
      if (writer.dialect === 'registry' && reader.dialect === 'registry') continue;
      const account = bearer.dialect === 'registry' ? other.name : reader.name;
      await readConversation(cluster, journal, account, account === reader.name ? writer.name : reader.name);
    }
  }
  const inGroup = await readConversation(cluster, journal, 'mixnativer', `#${groupName}`);
  await readConversation(cluster, journal, 'mixnativer', '#lobby');
  failures.push(...(await checkRegistryReader(company, inGroup)));
  failures.push(...((await company.nativeReader?.damagedFiles()) ?? []).map((name) => `file ${name}`));
  failures.push(...checkPlaces(journal), ...checkPartialTracks(company, journal));
  return failures;
}

/** It fetches: what it is given is what the others have, in the same order. */
async function checkRegistryReader(company: Company, inGroup: readonly string[]): Promise<string[]> {
  const line = await company.registryReader?.line();
  if (line === undefined) return ['there is no reader of the registry dialect'];
  const fetched = await company.registry.fetch(line, { kind: 'group' });
  return fetched.join() === inGroup.join()
    ? []
    : ['diverged: the registry lists the group otherwise than its history'];
}

function checkPlaces(journal: Journal): string[] {
  return journal
    .homeless()
    .map(
      ({ client, token, to }) => `lost: ${token} of ${client} to ${to} was acknowledged and stands nowhere`,
    );
}

/** Live tracks with gaps by design: of the lobby, where whoever was away has missed it. */
function checkPartialTracks(company: Company, journal: Journal): string[] {
  return company.readers.flatMap(({ name }) => {
    const highest = new Map<string, number>();
    return journal.heardBy(name).flatMap((token) => {
      const place = journal.placeOf(token);
      if (place === undefined) return [`phantom: ${name} heard ${token}, which stands nowhere`];
      if (isWholeTrack(place.conversation)) return [];
      const before = highest.get(place.conversation) ?? 0;
      highest.set(place.conversation, Math.max(before, place.sequence));
      return place.sequence > before ? [] : [`reordered: ${name} heard ${token} after a later one`];
    });
  });
}

/** The lobby keeps nothing for those who are away. */
function isWholeTrack(conversation: string): boolean {
  return conversation !== 'lobby';
}

function report(
  cluster: RealCluster,
  { seed }: MixOptions,
  company: Company,
  journal: Journal,
  course: { readonly kills: number; readonly durationMs: number; readonly failures: readonly string[] },
): MixReport {
  const verdict = judge(journal.history(isWholeTrack));
  const { violations, others, ...counts } = verdict;
  const acknowledgedOf = (name: string): number =>
    journal.acknowledged.filter(({ client }) => client === name).length;
  const failures = [
    ...course.failures,
    ...company.repeats.faults,
    ...violations.map(({ kind, text }) => `${kind}: ${text}`),
  ];
  if (journal.acknowledged.length === 0) failures.push('nothing was acknowledged');
  const counted = (kind: string): number =>
    course.failures.filter((text) => text.startsWith(`${kind}: `)).length;
  return {
    nodes: cluster.nodes.length,
    seed,
    kills: course.kills,
    durationMs: Math.round(course.durationMs),
    acknowledged: counts.acknowledged,
    unknown: counts.unknown,
    rejected: counts.rejected,
    acknowledgedBy: Object.fromEntries(
      company.writers.map(({ name, dialect }) => [dialect, acknowledgedOf(name)]),
    ),
    lost: counts.lost + counted('lost'),
    duplicated: counts.duplicated + company.repeats.faults.length,
    reordered: counts.reordered + counted('reordered'),
    otherViolations: others + counted('phantom') + counted('diverged'),
    files: company.nativeReader?.files.length ?? 0,
    reconnections: company.reconnections,
    repeatsAfterReconnection: company.repeats.afterReconnection,
    failures: failures.slice(0, shownFailures),
  };
}

function between(random: Random, { least, most }: { readonly least: number; readonly most: number }): number {
  return least + random.below(most - least);
}
