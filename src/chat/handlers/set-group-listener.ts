import { limits } from '../../base/limits.ts';
import type { Command, Result } from '../vocabulary/types.ts';
import { accept, type Context, reject } from './context.ts';

type SetGroupListener = Extract<Command, { kind: 'set-group-listener' }>;

/** A node's own command, on behalf of an operator: the port is opened on every node, so no two groups have the same. */
export function setGroupListener(context: Context, { name, port }: SetGroupListener): Result {
  const { actor, session, tables } = context;
  if (session !== null || actor !== null) return reject('DENIED');
  const { conversations } = tables;
  const group = conversations.groups.byName(name);
  if (group === undefined) return reject('UNKNOWN_GROUP');
  if (port !== null && (port < 1 || port > 65_535)) return reject('BAD_REQUEST');
  if (group.listenerPort !== port) {
    const ports = conversations.groups.byPort();
    if (port !== null && ports.has(port)) return reject('CONFLICT');
    const isOneMore = port !== null && group.listenerPort === null;
    if (isOneMore && ports.size >= limits.groupPorts) return reject('LIMIT_REACHED');
    conversations.changeGroup(group, (changed) => changed.setListenerPort(port));
  }
  return accept({ kind: 'group-changed', group: group.id, name: group.name });
}
