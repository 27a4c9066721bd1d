/** Pure: the log of administrative actions as a node tells it → a table. */
import { escapeLine } from '../../protocol/escape.ts';
import { inColumns } from '../program/columns.ts';

export interface ActionRow {
  readonly number: number;
  readonly by: { readonly kind: string; readonly name?: string };
  readonly action: string;
  readonly subject: string;
  readonly node: number;
  readonly beganMs: number;
  readonly outcome: string | null;
  readonly times: number;
}

/** Null when it is something else. */
export function readActions(
  value: unknown,
): { readonly actions: readonly ActionRow[]; readonly more: boolean } | null {
  if (typeof value !== 'object' || value === null || !('actions' in value) || !('more' in value)) return null;
  const { actions, more } = value;
  if (!Array.isArray(actions) || typeof more !== 'boolean' || !actions.every(isRow)) return null;
  return { actions, more };
}

function isRow(value: unknown): value is ActionRow {
  if (typeof value !== 'object' || value === null) return false;
  const row: Partial<Record<keyof ActionRow, unknown>> = value;
  return (
    [row.number, row.node, row.beganMs, row.times].every((figure) => typeof figure === 'number') &&
    [row.action, row.subject].every((text) => typeof text === 'string') &&
    (row.outcome === null || typeof row.outcome === 'string') &&
    typeof row.by === 'object' &&
    row.by !== null &&
    'kind' in row.by
  );
}

export function formatActions(rows: readonly ActionRow[]): string {
  if (rows.length === 0) return 'Nothing was done yet.';
  return inColumns(['when', 'who', 'what', 'node', 'outcome'], rows.map(cellsOf));
}

function cellsOf(row: ActionRow): readonly string[] {
  const times = row.times > 1 ? ` (${row.times} requests)` : '';
  return [
    `${new Date(row.beganMs).toISOString().slice(0, 19)}Z`.replace('T', ' '),
    escapeLine(whoIs(row.by)),
    escapeLine(`${row.action} ${row.subject}`.trimEnd()) + times,
    String(row.node),
    row.outcome ?? 'unknown',
  ];
}

function whoIs({ kind, name }: ActionRow['by']): string {
  switch (kind) {
    case 'account':
      return name ?? '';
    case 'operator':
      return '(cluster key)';
    default:
      return `(${kind})`;
  }
}
