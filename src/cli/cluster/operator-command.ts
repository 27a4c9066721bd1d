/** What the admin commands share: whom they ask, and how one ends that was not done. */
import { callerFor, type ServerAddress } from '../../client/index.ts';
import { loadClusterKey } from '../../replication/transport/cluster-key.ts';
import type { Arguments } from '../program/arguments.ts';
import { exitRejected, exitUnknown } from '../program/outcome-codes.ts';
import { type MembersAnswer, readMembers } from './members-table.ts';
import { defaultConfigPath, findNodes } from './nodes.ts';
import { type Answer, OperatorClient } from './operator-client.ts';
import { findTrust } from './trust.ts';

interface Members {
  readonly answer: Answer;
  readonly found: MembersAnswer | null;
}

/** Of a cluster that is as large as it says, not only as the file says. */
export async function operatorClient(args: Arguments): Promise<OperatorClient> {
  const nodes = findNodes(args);
  const key = await loadClusterKey(args.text('config') ?? defaultConfigPath, false);
  const client = new OperatorClient(nodes.addresses, key, callerFor(findTrust(args, nodes)));
  // The file may be older than the cluster.
  await membersNow(client);
  return client;
}

/** As the leader knows them, who alone knows how far the others are; else as any node does. */
export async function membersNow(client: OperatorClient): Promise<Members> {
  const any = await membersOf(client);
  if (any.found === null) return any;
  const { leader, id, members: rows } = any.found;
  client.learn(rows.map(({ host, httpPort }) => ({ host, port: httpPort })));
  const place = rows.find((row) => row.id === leader);
  if (place === undefined || leader === id) return any;
  const led = await membersOf(client, { host: place.host, port: place.httpPort });
  return led.found === null ? any : led;
}

export async function membersOf(client: OperatorClient, only?: ServerAddress): Promise<Members> {
  const answer = await client.ask({
    method: 'GET',
    path: '/admin/members',
    ...(only === undefined ? {} : { only }),
  });
  return { answer, found: answer.kind === 'done' ? readMembers(answer.value) : null };
}

/** `advice`: what to do when it may have happened. */
export function tellFailure(
  answer: Exclude<Answer, { kind: 'done' }>,
  args: Arguments,
  advice = 'look at `members`',
): number {
  const code = answer.kind === 'refused' ? exitRejected : exitUnknown;
  if (args.has('json')) {
    const detail = answer.kind === 'refused' ? { code: answer.code } : {};
    console.log(JSON.stringify({ status: answer.kind, ...detail, text: answer.text }));
    return code;
  }
  const hint = answer.kind === 'unknown' ? ` It may have happened: ${advice}.` : '';
  console.error(answer.kind === 'refused' ? `Refused: ${answer.text}` : `${answer.text}${hint}`);
  return code;
}
