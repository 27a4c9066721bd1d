/** What the routes behind both doors have in common: one description each, for the checks, the types, the document and the journal. */
import type { Static, TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { assert } from '../../base/assert.ts';
import { refusalOf } from '../http/answers.ts';
import { describe, type Operation } from '../http/operation.ts';
import type { Administered } from '../requests/administration.ts';
import type { Action, DescribeAction } from './action-journal.ts';

type AdministratorOperation = Omit<Operation, 'tag' | 'door' | 'open' | 'repeatable'>;

/** Route options of what only looks. */
export function describeLook(operation: AdministratorOperation) {
  return describe(asOperation(operation), 'read');
}

/** Route options of what changes something, with what the log of actions says of it. */
export function describeDeed(operation: AdministratorOperation, describeAction: DescribeAction) {
  const { schema, config } = describe(asOperation(operation));
  return { schema, config: { ...config, describe: describeAction } };
}

function asOperation({ errors = [], ...operation }: AdministratorOperation): Operation {
  return { ...operation, errors: ['SCOPE_MISSING', ...errors], tag: 'administration', door: 'administer' };
}

/** What is done, by a body of that schema. */
export function byBody<Schema extends TSchema>(
  schema: Schema,
  describeBody: (body: Static<Schema>) => Action,
): DescribeAction {
  return (body) => {
    assert(Value.Check(schema, body), 'a body is checked before its action is noted');
    return describeBody(body);
  };
}

/** Throws `CodedError` for what was not done. */
export function doneOf<Value>(administered: Administered<Value>): Value {
  if (administered.kind === 'done') return administered.value;
  throw refusalOf(administered);
}
