/** `npm run admin -- users`, `unlock` and `invite`: who there is and who looks after the cluster, who is locked out, who may come. */
import { createHash, randomBytes } from 'node:crypto';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { operatorClient, tellFailure } from '../cluster/operator-command.ts';
import type { Arguments } from '../program/arguments.ts';
import { formatAccounts, readAccounts } from './accounts-table.ts';

/** Pages of accounts that are asked for at most. */
const pagesMax = 10_000;
const defaultLifetimeMs = 7 * 24 * 3_600_000;
/** 120 random bits. */
const codeBytes = 15;

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };
const unitNames = { day: 24 * 3_600_000, hour: 3_600_000, minute: 60_000 };

export async function users(args: Arguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) return setRole(args, operands);
  const client = await operatorClient(args);
  const all = [];
  for (let page = 0; page < pagesMax; page++) {
    const after = all.at(-1)?.name ?? '';
    const answer = await client.ask({
      method: 'GET',
      path: `/admin/users?after=${encodeURIComponent(after)}`,
    });
    if (answer.kind !== 'done') return tellFailure(answer, args);
    const found = readAccounts(answer.value);
    if (found === null) throw new CodedError('INTERNAL', 'The node answered something else than accounts.');
    all.push(...found.users);
    if (!found.more) break;
  }
  console.log(args.has('json') ? JSON.stringify({ users: all }, null, 2) : formatAccounts(all));
  return 0;
}

async function setRole(args: Arguments, operands: readonly string[]): Promise<number> {
  const [verb, user, ...rest] = operands;
  if (verb !== 'grant' && verb !== 'revoke') {
    throw new CodedError('USAGE', `users knows grant and revoke, not "${verb}"`);
  }
  if (user === undefined) throw new CodedError('USAGE', `whose role to ${verb}: name the user`);
  requireNothing(rest);
  const administrator = verb === 'grant';
  const client = await operatorClient(args);
  const answer = await client.ask({ method: 'POST', path: '/admin/role', body: { user, administrator } });
  if (answer.kind !== 'done') return tellFailure(answer, args, 'ask again');
  if (args.has('json')) console.log(JSON.stringify({ status: 'done', user, administrator }));
  else console.log(`${user} is ${administrator ? 'an administrator' : 'no administrator any more'}.`);
  return 0;
}

export async function unlock(args: Arguments, operands: readonly string[]): Promise<number> {
  const [user, ...rest] = operands;
  if (user === undefined) throw new CodedError('USAGE', 'whom to unlock: name the user');
  requireNothing(rest);
  const client = await operatorClient(args);
  const answer = await client.ask({ method: 'POST', path: '/admin/unlock', body: { user } });
  if (answer.kind !== 'done') return tellFailure(answer, args, 'ask again');
  console.log(args.has('json') ? JSON.stringify({ status: 'done', user }) : `${user} may try again.`);
  return 0;
}

/** The code is made here, and only its hash leaves this program: nobody else can know it. */
export async function invite(args: Arguments, operands: readonly string[]): Promise<number> {
  requireNothing(operands);
  const uses = args.number('uses', 1, limits.invitationUses) ?? 1;
  const lifetimeMs = lifetimeOf(args.text('expires'));
  const client = await operatorClient(args);
  const code = randomBytes(codeBytes).toString('base64url');
  const codeHash = createHash('sha256').update(code).digest('hex');
  const answer = await client.ask({
    method: 'POST',
    path: '/admin/invite',
    body: { codeHash, uses, lifetimeMs },
  });
  if (answer.kind !== 'done') return tellFailure(answer, args, 'make another one');
  if (args.has('json')) console.log(JSON.stringify({ status: 'done', code, uses, lifetimeMs }));
  else console.log(inviteText(code, uses, lifetimeMs));
  return 0;
}

function inviteText(code: string, uses: number, lifetimeMs: number): string {
  const people = uses === 1 ? 'one person' : `${uses} people`;
  return [
    `invite ${code}`,
    '',
    `Good for ${people}, for ${durationOf(lifetimeMs)}. Type the line above into the client before the registration. It is shown this once.`,
  ].join('\n');
}

/** In the largest unit that it is a whole number of. */
function durationOf(lifetimeMs: number): string {
  const [name, ms] = Object.entries(unitNames).find(([, each]) => lifetimeMs % each === 0) ?? ['ms', 1];
  const amount = lifetimeMs / ms;
  return `${amount} ${name}${amount === 1 ? '' : 's'}`;
}

/** `90m`, `12h`, `7d`. */
function lifetimeOf(text: string | undefined): number {
  if (text === undefined) return defaultLifetimeMs;
  const [, amount = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const lifetimeMs = Number(amount) * (units[unit] ?? 0);
  if (lifetimeMs > 0 && lifetimeMs <= limits.invitationMs) return lifetimeMs;
  throw new CodedError(
    'USAGE',
    `--expires must be a time such as 90m, 12h or 7d, at most a year, not "${text}"`,
  );
}

function requireNothing(operands: readonly string[]): void {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
}
