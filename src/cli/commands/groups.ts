/** `npm run admin -- groups`: which groups there are, whose, and how large. */
import { type Static, Type } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { CodedError } from '../../base/errors.ts';
import { escapeLine } from '../../protocol/escape.ts';
import { operatorClient, tellFailure } from '../cluster/operator-command.ts';
import type { Arguments } from '../program/arguments.ts';
import { inColumns } from '../program/columns.ts';

const pagesMax = 10_000;
const group = Type.Object({
  name: Type.String(),
  owner: Type.Union([Type.String(), Type.Null()]),
  members: Type.Number(),
  messages: Type.Number(),
  closed: Type.Boolean(),
  port: Type.Union([Type.Number(), Type.Null()]),
  createdMs: Type.Number(),
});
const page = Type.Object({ groups: Type.Array(group), more: Type.Boolean() });

export async function groups(args: Arguments, operands: readonly string[]): Promise<number> {
  if (operands.length > 0) throw new CodedError('USAGE', `unexpected argument "${operands[0]}"`);
  const client = await operatorClient(args);
  const all: Static<typeof group>[] = [];
  for (let count = 0; count < pagesMax; count++) {
    const after = encodeURIComponent(all.at(-1)?.name ?? '');
    const answer = await client.ask({ method: 'GET', path: `/admin/groups?after=${after}` });
    if (answer.kind !== 'done') return tellFailure(answer, args);
    if (!Value.Check(page, answer.value)) {
      throw new CodedError('INTERNAL', 'The node answered something else than groups.');
    }
    all.push(...answer.value.groups);
    if (!answer.value.more) break;
  }
  console.log(args.has('json') ? JSON.stringify({ groups: all }, null, 2) : formatGroups(all));
  return 0;
}

function formatGroups(all: readonly Static<typeof group>[]): string {
  if (all.length === 0) return 'There are no groups.';
  const rows = all.map(({ name, owner, members, messages, closed, port, createdMs }) => [
    `#${escapeLine(name)}`,
    owner === null ? '-' : escapeLine(owner),
    `${members}`,
    `${messages}`,
    closed ? 'password' : 'open',
    port === null ? '-' : `${port}`,
    new Date(createdMs).toISOString().slice(0, 10),
  ]);
  return inColumns(['group', 'owner', 'members', 'messages', 'access', 'port', 'since'], rows);
}
