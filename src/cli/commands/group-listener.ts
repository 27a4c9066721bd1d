/** `npm run admin -- group-listener`: a group gets a port of its own on every node, or loses it. */
import { CodedError } from '../../base/errors.ts';
import { operatorClient, tellFailure } from '../cluster/operator-command.ts';
import type { Arguments } from '../program/arguments.ts';

export async function groupListener(args: Arguments, operands: readonly string[]): Promise<number> {
  const [group, ...rest] = operands;
  if (group === undefined) throw new CodedError('USAGE', 'which group: name it');
  if (rest.length > 0) throw new CodedError('USAGE', `unexpected argument "${rest[0]}"`);
  const port = args.number('port', 1, 65_535) ?? null;
  if ((port === null) !== args.has('remove')) throw new CodedError('USAGE', 'give --port N, or --remove');
  const client = await operatorClient(args);
  const answer = await client.ask({ method: 'POST', path: '/admin/group-listener', body: { group, port } });
  if (answer.kind !== 'done') return tellFailure(answer, args, 'ask again');
  if (args.has('json')) console.log(JSON.stringify({ status: 'done', group, port }));
  else console.log(port === null ? `${group} has no port.` : `Every node opens port ${port} for ${group}.`);
  return 0;
}
