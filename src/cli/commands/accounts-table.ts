/** Pure: what a node says of accounts → a table. */
import { escapeLine } from '../../protocol/escape.ts';
import { inColumns } from '../program/columns.ts';

export interface AccountRow {
  readonly name: string;
  readonly kind: string;
  readonly displayName: string | null;
  readonly email: string | null;
  readonly online: boolean;
  readonly administrator: boolean;
  readonly access: string;
  readonly retryAfterMs: number | null;
  readonly createdMs: number;
}

/** Null when it is something else. */
export function readAccounts(
  value: unknown,
): { readonly users: readonly AccountRow[]; readonly more: boolean } | null {
  if (typeof value !== 'object' || value === null || !('users' in value) || !('more' in value)) return null;
  const { users, more } = value;
  if (!Array.isArray(users) || typeof more !== 'boolean' || !users.every(isRow)) return null;
  return { users, more };
}

function isRow(value: unknown): value is AccountRow {
  if (typeof value !== 'object' || value === null) return false;
  const row: Partial<Record<keyof AccountRow, unknown>> = value;
  return (
    typeof row.name === 'string' &&
    typeof row.kind === 'string' &&
    typeof row.online === 'boolean' &&
    typeof row.administrator === 'boolean' &&
    typeof row.access === 'string' &&
    typeof row.createdMs === 'number' &&
    [row.displayName, row.email].every((text) => text === null || typeof text === 'string')
  );
}

export function formatAccounts(rows: readonly AccountRow[]): string {
  if (rows.length === 0) return 'There are no accounts.';
  const head = ['name', 'kind', 'role', 'online', 'access', 'since', 'e-mail', 'display name'];
  return inColumns(head, rows.map(cellsOf));
}

function cellsOf(row: AccountRow): readonly string[] {
  const wait = row.retryAfterMs === null ? '' : ` (${Math.ceil(row.retryAfterMs / 1_000)} s)`;
  return [
    row.name,
    row.kind,
    row.administrator ? 'admin' : '-',
    row.online ? 'yes' : 'no',
    `${row.access}${wait}`,
    new Date(row.createdMs).toISOString().slice(0, 10),
    escapeLine(row.email ?? '-'),
    escapeLine(row.displayName ?? '-'),
  ];
}
