/** What every node says of itself and of the others at `/api/v1/admin/cluster`, and the log of actions: as far as the page shows it. */
export interface MemberWire {
  readonly id: number;
  readonly host: string;
  readonly httpPort: number;
  readonly state: 'voter' | 'learner' | 'observer' | 'expected' | 'listed';
  readonly voter: boolean;
  /** A learner that becomes a voter by itself. */
  readonly promoted: boolean;
  /** Entries behind the leader; null except on the leader. */
  readonly lag: number | null;
}

export type EventWire =
  | { readonly kind: 'started'; readonly atMs: number }
  | { readonly kind: 'leader'; readonly atMs: number; readonly term: number; readonly leader: number | null }
  | { readonly kind: 'peer'; readonly atMs: number; readonly node: number; readonly up: boolean };

export interface NodeWire {
  readonly cluster: string;
  readonly profile: string;
  readonly id: number;
  readonly nowMs: number;
  readonly upMs: number;
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner' | 'observer' | 'founding';
  readonly term: number;
  readonly leader: number | null;
  readonly lastIndex: number | null;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly members: readonly MemberWire[];
  readonly alarms: readonly string[];
  readonly disk: { readonly freeBytes: number; readonly lowBytes: number } | null;
  readonly memoryBytes: number;
  readonly loopDelayMs: number;
  readonly connections: { readonly native: number; readonly chat: number };
  readonly subscribers: number;
  readonly accounts: number;
  readonly events: readonly EventWire[];
}

export interface ActionWire {
  readonly number: number;
  readonly by: { readonly kind: string; readonly name?: string };
  readonly action: string;
  readonly subject: string;
  readonly node: number;
  readonly beganMs: number;
  readonly outcome: string | null;
  readonly times: number;
}

/** Null when it is something else: another program, or one of a version that says less. */
export function readNode(value: unknown): NodeWire | null {
  return isNode(value) ? value : null;
}

export function readActions(value: unknown): readonly ActionWire[] | null {
  if (typeof value !== 'object' || value === null || !('actions' in value)) return null;
  return Array.isArray(value.actions) && value.actions.every(isAction) ? value.actions : null;
}

type Unknown<T> = Partial<Record<keyof T, unknown>>;

function isNode(value: unknown): value is NodeWire {
  if (typeof value !== 'object' || value === null) return false;
  const node: Unknown<NodeWire> = value;
  const { id, nowMs, upMs, term, commitIndex, appliedIndex, memoryBytes, loopDelayMs } = node;
  const figures = [id, nowMs, upMs, term, commitIndex, appliedIndex, memoryBytes, loopDelayMs];
  return (
    figures.every((figure) => typeof figure === 'number') &&
    [node.cluster, node.profile, node.role].every((text) => typeof text === 'string') &&
    [node.members, node.alarms, node.events].every((list) => Array.isArray(list)) &&
    typeof node.connections === 'object' &&
    node.connections !== null
  );
}

function isAction(value: unknown): value is ActionWire {
  if (typeof value !== 'object' || value === null) return false;
  const action: Unknown<ActionWire> = value;
  return (
    [action.number, action.node, action.beganMs, action.times].every(
      (figure) => typeof figure === 'number',
    ) &&
    [action.action, action.subject].every((text) => typeof text === 'string') &&
    typeof action.by === 'object' &&
    action.by !== null &&
    'kind' in action.by
  );
}
