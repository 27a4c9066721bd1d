/** What is judged when all is quiet: the users' histories, the contested names, and the states of all nodes. */
import { accountModel } from '../checkers/accounts.ts';
import { checkAmendments } from '../checkers/amendments.ts';
import type { Violation } from '../checkers/history.ts';
import { checkJoinedSessions, type Reading } from '../checkers/joined-sessions.ts';
import { checkLinearizable } from '../checkers/linearizability.ts';
import { memberModel } from '../checkers/membership.ts';
import { checkRefusals, type Troubles } from '../checkers/refusals.ts';
import { checkSessions } from '../checkers/sessions.ts';
import { judge } from '../checkers/verdict.ts';
import { type Actor, GROUP } from './actor.ts';
import type { FaultKind } from './faults.ts';
import type { Injector } from './injector.ts';
import type { Plan } from './plan.ts';
import type { Records } from './records.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { Watch } from './watch.ts';
import type { World } from './world.ts';

/** A run whose last fault is over, as far as it is judged. */
export interface Judged {
  readonly plan: Plan;
  readonly world: World;
  readonly records: Records;
  readonly watch: Watch;
  readonly cluster: SimulatedCluster;
  readonly injector: Injector;
  readonly users: readonly Actor[];
  readonly conversations: readonly string[];
  isMember(user: Actor, conversation: string): boolean;
  settle(withinMs: number): Promise<void>;
}

/** Until a damaged state has been replaced. */
const REPAIR_MS = 30_000;

export async function judgeRun(run: Judged): Promise<readonly Violation[]> {
  const violations = await askOnceMore(run);
  return [
    ...violations,
    ...judge(run.records.history).violations,
    ...checkJoinedSessions(
      run.records.history,
      run.users.map((user) => readingOf(run, user)),
    ),
    ...checkAmendments(run.records.amendments),
    ...run.records.followers.violations,
    ...checkLinearizable(accountModel, run.records.accounts, 'account'),
    ...checkLinearizable(memberModel, run.records.members, 'the membership of'),
    ...checkRefusals(run.records.answers.all, troublesOf(run)),
    ...checkSessions(run.records.answers.all, run.records.answers.lostSessions, run.plan.sessionIdleMs),
    ...checkElections(run),
    ...(await checkFiles(run)),
    ...(await checkStates(run)),
  ];
}

/** Of these no client may notice anything: not of clocks, nor of a leadership that is given away, nor of another client. */
const unnoticed: ReadonlySet<FaultKind> = new Set([
  'wall-jump',
  'drift',
  'hand-over',
  'client-restart',
  'client-anew',
]);

function troublesOf({ plan, injector }: Judged): Troubles {
  const noticed = [...injector.firstMs].filter(([kind]) => !unnoticed.has(kind));
  return {
    sinceMs: noticed.length === 0 ? null : Math.min(...noticed.map(([, atMs]) => atMs)),
    fullSinceMs: injector.firstMs.get('full-disk') ?? null,
    giveUpMs: plan.giveUpMs,
  };
}

function conversationsOf(run: Judged, user: Actor): readonly string[] {
  return run.conversations.filter((conversation) => run.isMember(user, conversation));
}

function readingOf(run: Judged, user: Actor): Reading {
  return { person: user.name, sessions: user.readers, conversations: conversationsOf(run, user) };
}

/** Every user reads every conversation again; subscribers say that they have all. */
async function askOnceMore(run: Judged): Promise<readonly Violation[]> {
  const { users, records, world } = run;
  if (run.plan.profile === 'amendments') {
    // What was amended last is on its way to those who follow, who need not ask for it.
    await world.run(world.nowMs + 1_000, () => false);
    records.isQuiet = true;
  }
  let open = 0;
  let failed = 0;
  for (const user of users) {
    if (user.readers.length === 1) {
      for (const conversation of conversationsOf(run, user)) records.complete(user.reader, conversation);
    }
    const others = users.filter((other) => other !== user).map(({ name }) => name);
    for (const other of user.isInGroup ? [...others, GROUP] : others) {
      open++;
      void user.history(other).then((answered) => {
        open--;
        if (!answered) failed++;
      });
    }
  }
  await world.run(world.nowMs + 10_000, () => open === 0);
  // What was read is acknowledged, and that is replicated too.
  await run.settle(10_000);
  if (open === 0 && failed === 0) return [];
  return [
    {
      kind: 'not-live',
      text: `${open + failed} of the last reads were not answered although nothing is wrong any more`,
    },
  ];
}

/** Whoever was shown a file gets it, as it was sent. */
async function checkFiles({ users, world }: Judged): Promise<readonly Violation[]> {
  const violations: Violation[] = [];
  let open = users.length;
  for (const user of users) {
    void user.missedFiles().then((missed) => {
      open--;
      for (const name of missed) violations.push({ kind: 'lost', text: `${user.name} cannot fetch ${name}` });
    });
  }
  await world.run(world.nowMs + 60_000, () => open === 0);
  if (open > 0) violations.push({ kind: 'not-live', text: 'files are fetched without end' });
  return violations;
}

/** With nothing but clocks gone wrong, whoever led first leads still. */
function checkElections({ plan, watch }: Judged): readonly Violation[] {
  if (plan.profile !== 'clocks' || watch.leaders.elections <= 1) return [];
  const text = `clocks jumped and drifted, nothing else, and there were ${watch.leaders.elections} elections`;
  return [{ kind: 'needless-election', text }];
}

/** What nobody has read yet nobody knows to be damaged: once it is read, the state is replaced. */
async function readRotten(run: Judged): Promise<void> {
  const { cluster, watch, world } = run;
  const store = cluster.rotten === null ? null : cluster.node(cluster.rotten)?.store;
  if (store == null) return;
  const range = { from: 1, to: Number.MAX_SAFE_INTEGER, limit: 100_000 };
  for (const stream of watch.state.streams.keys()) store.readStream(stream, range).catch(() => undefined);
  await world.run(world.nowMs + REPAIR_MS, () => false);
  await run.settle(REPAIR_MS);
}

async function checkStates(run: Judged): Promise<readonly Violation[]> {
  await readRotten(run);
  const violations: Violation[] = [];
  const digests = new Set<string>();
  let open = 0;
  for (const node of run.cluster.nodes) {
    const { store, chat } = node;
    if (store === null || chat === null) continue;
    digests.add(chat.digest());
    for (const stream of run.watch.state.streams.keys()) {
      open++;
      const range = { from: 1, to: Number.MAX_SAFE_INTEGER, limit: 100_000 };
      const checked = (records: readonly { readonly record: Uint8Array }[]): void => {
        open--;
        const violation = run.watch.state.reads(
          node.node,
          stream,
          records.map(({ record }) => record),
        );
        if (violation !== null) violations.push(violation);
      };
      store.readStream(stream, range).then(checked, (error: unknown) => {
        open--;
        const text = `node ${node.node} cannot read ${stream}: ${error instanceof Error ? error.message : String(error)}`;
        violations.push({ kind: 'state-differs', text });
      });
    }
  }
  await run.world.run(run.world.nowMs + 1_000, () => open === 0);
  if (digests.size > 1)
    violations.push({ kind: 'state-differs', text: 'the nodes have different states in memory' });
  return violations;
}
