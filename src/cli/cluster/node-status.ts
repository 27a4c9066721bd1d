/** What nodes say about themselves at `/cluster`, and how a command asks them. */
import { CodedError } from '../../base/errors.ts';
import { callerFor, type HttpCaller, type ServerAddress } from '../../client/index.ts';
import { operationsToken } from '../../gateway/operations/operations-token.ts';
import { loadClusterKey } from '../../replication/transport/cluster-key.ts';
import type { Arguments } from '../program/arguments.ts';
import { defaultConfigPath, findNodes, type Nodes } from './nodes.ts';
import { get, jsonIn, reasonOf, textOf } from './operator-client.ts';
import { type Answer, readStatus } from './status-table.ts';
import { findTrust } from './trust.ts';

const answerMs = 1_500;

export interface Asking {
  readonly nodes: Nodes;
  readonly http: HttpCaller;
  readonly headers: Readonly<Record<string, string>>;
}

export async function askingOf(args: Arguments): Promise<Asking> {
  const nodes = findNodes(args);
  return { nodes, http: callerFor(findTrust(args, nodes)), headers: await tokenHeader(args) };
}

/**
 * Of the nodes that the configuration lists, one that runs and belongs to a cluster, for people; null when there is none. A node that waits
 * for its cluster to be founded, or restored, is none.
 */
export async function runningNode(args: Arguments): Promise<string | null> {
  const asking = await askingOf(args);
  const answers = await Promise.all(asking.nodes.addresses.map((address) => askStatus(address, asking)));
  const running = answers.find(({ status, reason }) =>
    status === null ? /^answered/.test(reason ?? '') : status.role !== 'founding',
  );
  return running === undefined ? null : `Node ${running.id ?? running.address}`;
}

export async function askStatus(place: ServerAddress, { nodes, http, headers }: Asking): Promise<Answer> {
  const { host, port } = place;
  const address = textOf(place);
  const id = nodes.config?.nodes.find((node) => node.host === host && node.httpPort === port)?.id ?? null;
  try {
    const answer = await get(http, place, '/cluster', answerMs, headers);
    const found = answer.status === 200 ? readStatus(jsonIn(answer.body)) : null;
    return { address, id, status: found, reason: found === null ? `answered ${answer.status}` : null };
  } catch (error) {
    return { address, id, status: null, reason: reasonOf(error) };
  }
}

/** Nothing where there is no cluster key: nodes on loopback want none. */
async function tokenHeader(args: Arguments): Promise<Readonly<Record<string, string>>> {
  try {
    const key = await loadClusterKey(args.text('config') ?? defaultConfigPath, false);
    return { authorization: `Bearer ${operationsToken(key)}` };
  } catch (error) {
    if (error instanceof CodedError && error.code === 'KEY_MISSING') return {};
    throw error;
  }
}
