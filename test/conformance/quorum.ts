import type { MemberId } from '../../src/raft/index.ts';
import {
  jointCommitted,
  jointVote,
  majorityCommitted,
  majorityVote,
  type VoteResult,
} from '../../src/raft/quorum.ts';
import { Arguments, type Directive, ScriptError, toNumber } from './script.ts';

/** Vote and commit arithmetic. Each case is also computed in other ways that must agree; a disagreement is printed. */
export function quorumHandler(): (directive: Directive) => string {
  return (directive) => {
    const args = new Arguments(directive);
    const incoming = args.numberList('cfg');
    const joint = args.has('cfgj');
    const outgoing = outgoingOf(args.list('cfgj'));
    const config = { incoming, outgoing, joint };
    switch (directive.command) {
      case 'committed': {
        const indexes = args.list('idx');
        args.done();
        return committed(config, indexes);
      }
      case 'vote': {
        const votes = args.list('votes');
        args.done();
        return vote(config, votes);
      }
      default:
        throw new ScriptError(`unknown command ${directive.command}`);
    }
  };
}

interface Config {
  readonly incoming: readonly MemberId[];
  readonly outgoing: readonly MemberId[];
  readonly joint: boolean;
}

function committed({ incoming, outgoing, joint }: Config, given: readonly string[]): string {
  const mismatch = mismatchOf(incoming, outgoing, given, (text) => (text === '_' ? '0' : text));
  if (mismatch !== null) return mismatch;
  const indexes = given.map((text) => {
    if (text === '0') throw new ScriptError('cannot use 0 as idx');
    return text === '_' ? undefined : toNumber(text);
  });
  const acked = lookup(incoming, outgoing, indexes);
  const of = (id: MemberId): number | undefined => acked.get(id);
  const index = joint ? jointCommitted(incoming, outgoing, of) : majorityCommitted(incoming, of);
  const checks: readonly (readonly [string, number])[] = joint
    ? [['via symmetry', jointCommitted(outgoing, incoming, of)]]
    : [
        ['via alternative computation', countedCommitted(incoming, of)],
        ['via zero-joint quorum', jointCommitted(incoming, [], of)],
        ['via self-joint quorum', jointCommitted(incoming, incoming, of)],
        ...overlays(incoming, acked, index),
      ];
  const wrong = checks.filter(([, other]) => other !== index);
  const lines = wrong.map(([how, other]) => `${show(other)} <-- ${how}\n`).join('');
  return `${chart(ascending([...incoming, ...outgoing]), of)}${lines}${show(index)}\n`;
}

function vote({ incoming, outgoing, joint }: Config, given: readonly string[]): string {
  const numbers: Readonly<Record<string, string>> = { y: '2', n: '1', _: '0' };
  const mismatch = mismatchOf(incoming, outgoing, given, (text) => numbers[text] ?? text);
  if (mismatch !== null) return mismatch;
  const votes = given.map((text) => {
    if (!(text in numbers)) throw new ScriptError(`unknown vote: ${text}`);
    return text === '_' ? undefined : text === 'y';
  });
  const cast = lookup(incoming, outgoing, votes);
  const of = (id: MemberId): boolean | undefined => cast.get(id);
  const result = joint ? jointVote(incoming, outgoing, of) : majorityVote(incoming, of);
  const mirrored = joint ? jointVote(outgoing, incoming, of) : result;
  const symmetry = mirrored === result ? '' : `${voteNames[mirrored]} <-- via symmetry\n`;
  return `${symmetry}${voteNames[result]}\n`;
}

const voteNames: Readonly<Record<VoteResult, string>> = {
  won: 'VoteWon',
  lost: 'VoteLost',
  pending: 'VotePending',
};

/** `zero` asks for a joint quorum whose second half is empty. */
function outgoingOf(values: readonly string[]): readonly MemberId[] {
  if (!values.includes('zero')) return values.map(toNumber);
  if (values.length !== 1) throw new ScriptError("cannot mix 'zero' into configuration");
  return [];
}

/** The values belong to the ids in their order of appearance, without repetition. */
function lookup<T>(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  values: readonly (T | undefined)[],
): ReadonlyMap<MemberId, T> {
  const found = new Map<MemberId, T>();
  [...new Set([...incoming, ...outgoing])].forEach((id, position) => {
    const value = values[position];
    if (value !== undefined) found.set(id, value);
  });
  return found;
}

function mismatchOf(
  incoming: readonly MemberId[],
  outgoing: readonly MemberId[],
  given: readonly string[],
  convert: (text: string) => string,
): string | null {
  const voters = ascending([...incoming, ...outgoing]);
  if (voters.length === given.length) return null;
  const shown = voters.map((id) => `${id}:{}`).join(' ');
  return `error: mismatched input (explicit or _) for voters map[${shown}]: [${given.map(convert).join(' ')}]`;
}

/** The definition taken literally: the highest acknowledged index that enough voters have reached. */
function countedCommitted(voters: readonly MemberId[], acked: (id: MemberId) => number | undefined): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const quorum = Math.floor(voters.length / 2) + 1;
  const reached = voters.map((id) => acked(id) ?? 0);
  return Math.max(
    0,
    ...reached.filter((index) => reached.filter((other) => other >= index).length >= quorum),
  );
}

/** An index below the committed one has no say: lowering it further must change nothing. */
function overlays(
  voters: readonly MemberId[],
  acked: ReadonlyMap<MemberId, number>,
  index: number,
): readonly (readonly [string, number])[] {
  return voters.flatMap((id) => {
    const own = acked.get(id) ?? 0;
    if (own === 0 || own >= index) return [];
    return [own - 1, 0].map((lower): readonly [string, number] => [
      `overlaying ${id}->${lower}`,
      majorityCommitted(voters, (other) => (other === id ? lower : acked.get(other))),
    ]);
  });
}

/** A bar for each voter, as long as there are voters behind it. */
function chart(voters: readonly MemberId[], acked: (id: MemberId) => number | undefined): string {
  if (voters.length === 0) return '<empty majority quorum>';
  const width = voters.length;
  let text = `${' '.repeat(width)}    idx\n`;
  for (const id of voters) {
    const index = acked(id);
    const behind = voters.filter((other) => (acked(other) ?? 0) < (index ?? 0)).length;
    const bar = index === undefined ? '?' : `${'x'.repeat(behind)}>`;
    text += `${bar.padEnd(width + 1)} ${String(index ?? 0).padStart(5)}    (id=${id})\n`;
  }
  return text;
}

function show(index: number): string {
  return index === Number.POSITIVE_INFINITY ? '∞' : String(index);
}

function ascending(ids: readonly MemberId[]): readonly MemberId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}
