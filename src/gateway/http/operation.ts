/** One operation, as its route and the document know it. */
import { type TSchema, Type } from '@sinclair/typebox';
import type { FastifySchema } from 'fastify';
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import type { Door } from '../requests/scopes.ts';
import { problemReference } from './schemas.ts';

export type Tag =
  | 'accounts'
  | 'sessions'
  | 'conversations'
  | 'groups'
  | 'files'
  | 'people'
  | 'administration'
  | 'search'
  | 'bots';

export interface Operation {
  readonly operationId: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** For everybody; without it only for those who are logged in. */
  readonly open?: true;
  /** What an access token must open, where no request of the service says it. */
  readonly door?: Door;
  /** A change that an `Idempotency-Key` makes one, however often it is sent. */
  readonly repeatable?: true;
  readonly params?: TSchema;
  readonly querystring?: TSchema;
  readonly headers?: Readonly<Record<string, TSchema>>;
  readonly body?: TSchema;
  readonly consumes?: readonly string[];
  /** By status. */
  readonly answers: Readonly<Record<number, object>>;
  /** Beside those that every operation may end with. */
  readonly errors?: readonly ErrorCode[];
}

const everywhere: readonly ErrorCode[] = ['BAD_REQUEST', 'DENIED', 'RATE_LIMITED', 'UNAVAILABLE', 'INTERNAL'];
const ofChanges: readonly ErrorCode[] = ['BUSY', 'LOW_SPACE', 'UNKNOWN_OUTCOME'];
const ofKeys: readonly ErrorCode[] = ['CONFLICT', 'TOO_MANY_IN_FLIGHT', 'LIMIT_REACHED'];

const idempotencyKey = Type.Optional(
  Type.String({
    pattern: '^[\\x21-\\x7e]{16,128}$',
    description:
      'Made by chance, such as a UUID. The same request under the same key takes effect once, on whatever node, and gets the first answer, for ten minutes; another request under it is CONFLICT.',
  }),
);

/** Route options: schema and access. */
export function describe(operation: Operation, method: 'read' | 'change' = 'change') {
  const { operationId, tag, summary, description, open, repeatable, params, querystring, body, consumes } =
    operation;
  const headers = { ...operation.headers, ...(repeatable ? { 'idempotency-key': idempotencyKey } : {}) };
  const codes = [
    ...everywhere,
    ...(open ? [] : (['AUTH_REQUIRED'] as const)),
    ...(method === 'change' ? ofChanges : []),
    ...(repeatable ? ofKeys : []),
    ...(operation.errors ?? []),
  ];
  const schema: FastifySchema = {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(open ? { security: [] } : {}),
    ...(params === undefined ? {} : { params }),
    ...(querystring === undefined ? {} : { querystring }),
    ...(Object.keys(headers).length === 0 ? {} : { headers: Type.Object(headers) }),
    ...(body === undefined ? {} : { body }),
    ...(consumes === undefined ? {} : { consumes: [...consumes] }),
    response: { ...describedAnswers(operation.answers), ...problemsOf(codes) },
  };
  const { door } = operation;
  const config = { ...(open ? { access: 'open' as const } : {}), ...(door === undefined ? {} : { door }) };
  return { schema, config };
}

/** The document wants a word on each. */
function describedAnswers(answers: Operation['answers']): Record<number, object> {
  return Object.fromEntries(
    Object.entries(answers).map(([status, schema]) => [status, { description: 'As asked.', ...schema }]),
  );
}

function problemsOf(codes: readonly ErrorCode[]): Record<number, object> {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of new Set(codes)) {
    const status = errorTable[code].http;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, list]) => [
      status,
      { description: list.join(', '), content: { 'application/problem+json': { schema: problemReference } } },
    ]),
  );
}
