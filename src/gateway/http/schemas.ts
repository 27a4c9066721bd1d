/** What several resources say in the same words. */
import { type TSchema, Type } from '@sinclair/typebox';
import { errorTable } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';

/** An object with these fields and no others, in a request as in an answer. */
export function closed<Fields extends Record<string, TSchema>>(
  fields: Fields,
  options: { readonly description?: string; readonly $id?: string } = {},
) {
  return Type.Object(fields, { additionalProperties: false, ...options });
}

export function nullable<Schema extends TSchema>(schema: Schema) {
  return Type.Union([schema, Type.Null()]);
}

/** RFC 9457. Stands in the document once. */
export const problem = closed(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ enum: Object.keys(errorTable) }),
    detail: Type.String(),
  },
  { $id: 'Problem' },
);
export const problemReference = { $ref: 'Problem#' };

export const nothing = Type.Null({ description: 'Done.' });

export const userName = Type.String({ minLength: 1, maxLength: limits.emailChars });
/** Its length in bytes is the gateway's to judge, which says so in its own code. */
export const password = Type.String({ maxLength: 2 * limits.passwordBytes });
export const sequence = Type.Integer({ minimum: 1, description: '1, 2, 3 … in the conversation' });
export const time = Type.Integer({ description: 'milliseconds since 1970-01-01 UTC' });
export const sessionName = Type.String({ pattern: '^[0-9a-f]{32}$' });
export const sessionSecret = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** Of a read: whether an answer may be up to two seconds old. */
export const staleness = {
  stale: Type.Optional(
    Type.Boolean({
      description:
        'Answer from what this node has, at most two seconds old; labelled with `Conclave-Stale: true`.',
    }),
  ),
};

/** Of a list by name. */
export const namePage = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 100 })),
  after: Type.Optional(
    Type.String({ maxLength: limits.emailChars, description: 'The last name of the page before.' }),
  ),
};
