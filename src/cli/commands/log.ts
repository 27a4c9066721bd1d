/** `npm run admin -- log`: what was done by whoever looks after the cluster. */
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { operatorClient, tellFailure } from '../cluster/operator-command.ts';
import type { Arguments } from '../program/arguments.ts';
import { type ActionRow, formatActions, readActions } from './actions-table.ts';

export async function log(args: Arguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
  const client = await operatorClient(args);
  const all: ActionRow[] = [];
  while (all.length < limits.actionsKept) {
    const before = all.at(-1)?.number;
    const answer = await client.ask({
      method: 'GET',
      path: before === undefined ? '/admin/log' : `/admin/log?before=${before}`,
    });
    if (answer.kind !== 'done') return tellFailure(answer, args);
    const found = readActions(answer.value);
    if (found === null) throw new CodedError('INTERNAL', 'The node answered something else than actions.');
    all.push(...found.actions);
    if (!found.more) break;
  }
  // The newest stands last, next to the prompt.
  all.reverse();
  console.log(args.has('json') ? JSON.stringify({ actions: all }, null, 2) : formatActions(all));
  return 0;
}
