/** `npm run admin -- members …` and `transfer`: who the members are, and who leads. */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { CodedError } from '../../base/errors.ts';
import type { MemberChange, NodePlace } from '../../replication/ports/engine.ts';
import { formatMembers, progressOf } from '../cluster/members-table.ts';
import type { OperatorClient } from '../cluster/operator-client.ts';
import { membersNow, membersOf, operatorClient, tellFailure } from '../cluster/operator-command.ts';
import type { Arguments } from '../program/arguments.ts';
import { exitRejected } from '../program/outcome-codes.ts';
import { formatRest } from '../program/progress.ts';

const pollMs = 500;
const usualColumns = 80;
const largestNode = 1_000;

type Verb = 'add' | 'promote' | 'remove' | 'replace';
const done: Readonly<Record<Verb, (node: number) => string>> = {
  add: (node) => `Node ${node} was added.`,
  promote: (node) => `Node ${node} is a voter.`,
  remove: (node) => `Node ${node} is no member any more.`,
  replace: (node) => `The new disk of node ${node} is a member.`,
};

export async function members(args: Arguments, operands: readonly string[]): Promise<number> {
  const [verb, number, ...rest] = operands;
  const client = await operatorClient(args);
  if (verb === undefined) return show(client, args);
  if (rest.length > 0) throw new CodedError('USAGE', `unexpected argument "${rest[0]}"`);
  if (!isVerb(verb)) {
    throw new CodedError('USAGE', `members knows add, promote, remove and replace, not "${verb}"`);
  }
  const node = toNode(number);
  const change: MemberChange =
    verb === 'add'
      ? { kind: verb, node, place: placeOf(args), promote: !args.has('learner') }
      : { kind: verb, node };
  // The tag makes the request one, whichever nodes are asked; a node that is to go is asked last.
  const answer = await client.ask({
    method: 'POST',
    path: '/admin/members',
    body: { tag: randomBytes(16).toString('hex'), change },
    last: verb === 'remove' ? node : undefined,
  });
  if (answer.kind !== 'done') return tellFailure(answer, args);
  if (!args.has('json')) console.log(done[verb](node));
  const waits = (verb === 'replace' || (verb === 'add' && !args.has('learner'))) && !args.has('no-wait');
  const code = waits ? await waitForVoter(client, node, args) : 0;
  if (args.has('json')) console.log(JSON.stringify({ status: 'done', node, change: verb, voter: waits }));
  return code;
}

export async function transfer(args: Arguments, operands: readonly string[]): Promise<number> {
  const [number, ...rest] = operands;
  if (rest.length > 0) throw new CodedError('USAGE', `unexpected argument "${rest[0]}"`);
  const node = number === undefined ? null : toNode(number);
  const client = await operatorClient(args);
  const answer = await client.ask({ method: 'POST', path: '/admin/transfer', body: { node } });
  if (answer.kind !== 'done') return tellFailure(answer, args);
  const leader = (await membersOf(client)).found?.leader ?? null;
  if (args.has('json')) console.log(JSON.stringify({ status: 'done', leader }));
  else console.log(leader === null ? 'Leadership was handed over.' : `Node ${leader} leads.`);
  return 0;
}

async function show(client: OperatorClient, args: Arguments): Promise<number> {
  const { answer, found } = await membersNow(client);
  if (answer.kind !== 'done') return tellFailure(answer, args);
  if (found === null) throw new CodedError('INTERNAL', 'The node answered something else than its members.');
  console.log(args.has('json') ? JSON.stringify(answer.value, null, 2) : formatMembers(found));
  return 0;
}

/** With a bar on a terminal, elsewhere a line for each step forward. Ctrl-C ends only the waiting: the cluster goes on by itself. */
async function waitForVoter(client: OperatorClient, node: number, args: Arguments): Promise<number> {
  const tell = teller(args);
  for (;;) {
    const { found } = await membersNow(client);
    const row = found?.members.find(({ id }) => id === node);
    if (found !== null && row === undefined) {
      console.error(`Node ${node} was removed meanwhile.`);
      return exitRejected;
    }
    const progress = row === undefined ? 'no node can be reached' : progressOf(row);
    tell(progress, row?.lag ?? null);
    if (progress === null) {
      if (!args.has('json')) console.log(`Node ${node} is a voter.`);
      return 0;
    }
    await delay(pollMs);
  }
}

/** Null: nothing is left to wait for. */
function teller(args: Arguments): (progress: string | null, lag: number | null) => void {
  const screen = process.stderr;
  const print = args.has('json') ? console.error : console.log;
  let told: string | null = null;
  let most = 0;
  return (progress, lag) => {
    most = Math.max(most, lag ?? 0);
    if (screen.isTTY) {
      const columns = (screen.columns || usualColumns) - 1;
      const text = progress ?? '';
      const line = lag === null ? text.slice(0, columns) : formatRest(text, lag, most, columns);
      screen.write(`\r\x1b[K${progress === null ? '' : line}`);
    } else if (progress !== null && progress !== told) print(`  ${progress}`);
    told = progress;
  };
}

function placeOf(args: Arguments): NodePlace | null {
  const port = (name: string): number | undefined => args.number(name, 1, 65_535);
  const host = args.text('host');
  const [peerPort, chatPort, httpPort] = [port('peer-port'), port('chat-port'), port('http-port')];
  const given = [host, peerPort, chatPort, httpPort].filter((value) => value !== undefined);
  if (given.length === 0) return null;
  if (host === undefined || peerPort === undefined || chatPort === undefined || httpPort === undefined) {
    throw new CodedError('USAGE', '--host, --peer-port, --chat-port and --http-port go together');
  }
  return { host, peerPort, chatPort, httpPort };
}

function toNode(text: string | undefined): number {
  const node = Number(text);
  if (text !== undefined && Number.isInteger(node) && node >= 1 && node <= largestNode) return node;
  const shown = text === undefined ? 'name the number of a node' : `"${text}" is no number of a node`;
  throw new CodedError('USAGE', shown);
}

function isVerb(text: string): text is Verb {
  return Object.hasOwn(done, text);
}
