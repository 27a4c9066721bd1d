/** TypeBox as what fastify validates with: strict, and compiled when a schema is first needed. */
import { Kind, type TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';
import type { FastifySchemaCompiler, FastifySerializerCompiler } from 'fastify/types/schema.js';

/** A query and a path hold texts, which stand for numbers and truths; a body says what it means. */
export const compileValidator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  // Bytes, which the parser of their content type has judged.
  if (schema[Kind] === 'Unsafe') return (value: unknown) => ({ value });
  let check: TypeCheck<TSchema> | null = null;
  return (data: unknown) => {
    check ??= TypeCompiler.Compile(schema);
    const filled = Value.Default(schema, data);
    const value = httpPart === 'body' ? filled : Value.Convert(schema, filled);
    if (check.Check(value)) return { value };
    const { path = '', message = 'is not what is expected' } = check.Errors(value).First() ?? {};
    return { error: Object.assign(new Error(`${httpPart}${path}: ${message}`), { statusCode: 400 }) };
  };
};

/** As it is: a test holds each answer against its schema, and nothing undocumented is dropped in silence. */
export const compileSerializer: FastifySerializerCompiler<unknown> = () => (data) => JSON.stringify(data);
