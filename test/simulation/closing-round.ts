/**
 * All is quiet again: everybody asks for everything once more, and nothing is refused. Without it a cluster that goes on refusing after its
 * trouble is over could not be told from one that is asked nothing.
 */
import type { Violation } from '../checkers/history.ts';
import { checkRefusals, type Troubles } from '../checkers/refusals.ts';
import { type Actor, GROUP } from './actor.ts';
import type { LineUser } from './line-user.ts';
import type { Records } from './records.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';
import type { World } from './world.ts';

export interface Company {
  readonly world: World;
  readonly cluster: SimulatedCluster;
  readonly records: Records;
  readonly users: readonly Actor[];
  readonly contenders: readonly Actor[];
  /** That they contend for. */
  readonly names: readonly string[];
  readonly lineUser: LineUser;
}

const nothing: Troubles = { sinceMs: null, fullSinceMs: null, giveUpMs: 0 };
/** A cluster that is well needs a small part of it. */
const PATIENCE_MS = 10_000;

export async function goRound(company: Company): Promise<readonly Violation[]> {
  const { answers } = company.records;
  const before = answers.all.length;
  // Who is not logged in at a node logs in there, and has a line for it then.
  sayLines(company);
  let open = await answered(company);
  sayLines(company);
  askForEverything(company);
  open += await answered(company);
  const refused = checkRefusals(answers.all.slice(before), nothing);
  return [...refused, ...missing(company, open)];
}

function missing({ users }: Company, open: number): readonly Violation[] {
  const outside = users.filter((user) => !user.isLoggedIn || !user.isInGroup).map(({ name }) => name);
  const texts = [
    outside.length === 0 ? '' : `${outside.join(', ')} cannot log in, or cannot join the group of all`,
    open === 0 ? '' : `${open} requests of the last round were not answered`,
  ];
  return texts
    .filter((text) => text !== '')
    .map((text) => ({ kind: 'not-live', text: `${text}, although nothing is wrong any more` }));
}

function sayLines({ cluster, lineUser, users }: Company): void {
  for (const node of cluster.nodes) lineUser.send(node, users[0]?.name ?? '');
}

function askForEverything({ users, contenders, names }: Company): void {
  for (const user of users) {
    for (const other of users) if (other !== user) user.send(other.name);
    user.send(GROUP);
    void user.users();
  }
  for (const [i, contender] of contenders.entries()) {
    void contender.claim(names[i % names.length] ?? '');
    for (const name of names) contender.find(name);
  }
}

/** How many have no answer after so long. What the dead asked is not waited for. */
async function answered({ world, records }: Company): Promise<number> {
  const { answers } = records;
  const never = answers.open;
  // What is asked is asked from now on.
  await world.run(world.nowMs + 1, () => false);
  await world.run(world.nowMs + PATIENCE_MS, () => answers.open <= never);
  return Math.max(0, answers.open - never);
}
