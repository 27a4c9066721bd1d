/**
 * What a node asks of the leader about members and leadership, and what it is told: as it goes over a link, in JSON, since it is rare.
 */
import { type Static, Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import { type ErrorCode, errorTable } from '../../base/errors.ts';
import type { MemberChange } from '../ports/engine.ts';
import { MalformedError } from './bytes.ts';

/** A change, or (`transfer`) of who leads: null for whoever is the most up to date. */
export type MemberWish = MemberChange | { readonly kind: 'transfer'; readonly node: number | null };

export interface MemberAsk {
  /** Names the wish through all its repetitions, in the whole cluster: it takes effect once. */
  readonly tag: string;
  /** To the leader of this term and nobody else: what came late does nothing any more. */
  readonly term: number;
  readonly wish: MemberWish;
}

export type MemberAnswer = { readonly tag: string } & MemberReply;

export type MemberReply =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly text: string }
  /** Under way, or not possible at this moment: to be asked again. `heir`: who is to lead, where that was left open. */
  | { readonly kind: 'wait'; readonly heir?: number }
  /** This node does not lead. */
  | { readonly kind: 'elsewhere' };

const closed = { additionalProperties: false };
const node = Type.Integer({ minimum: 1, maximum: 1_000 });
const port = Type.Integer({ minimum: 1, maximum: 65_535 });
const tag = Type.String({ minLength: 1, maxLength: 64 });

export const placeSchema = Type.Object(
  {
    host: Type.String({ minLength: 1, maxLength: 253 }),
    peerPort: port,
    chatPort: port,
    httpPort: port,
  },
  closed,
);
export const changeSchema = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('add'),
      node,
      place: Type.Union([placeSchema, Type.Null()]),
      promote: Type.Boolean(),
    },
    closed,
  ),
  Type.Object(
    {
      kind: Type.Union([Type.Literal('promote'), Type.Literal('remove'), Type.Literal('replace')]),
      node,
    },
    closed,
  ),
]);
const transferSchema = Type.Object(
  { kind: Type.Literal('transfer'), node: Type.Union([node, Type.Null()]) },
  closed,
);
const askSchema = Type.Object(
  { tag, term: Type.Integer({ minimum: 0 }), wish: Type.Union([changeSchema, transferSchema]) },
  closed,
);
const answerSchema = Type.Union([
  Type.Object({ tag, kind: Type.Union([Type.Literal('done'), Type.Literal('elsewhere')]) }, closed),
  Type.Object({ tag, kind: Type.Literal('wait'), heir: Type.Optional(node) }, closed),
  Type.Object(
    { tag, kind: Type.Literal('refused'), code: Type.String(), text: Type.String({ maxLength: 1_024 }) },
    closed,
  ),
]);
const asks = TypeCompiler.Compile(askSchema);
const answers = TypeCompiler.Compile(answerSchema);

/** Throws MalformedError. */
export function readAsk(bytes: Uint8Array): MemberAsk {
  const value = parse(bytes);
  if (asks.Check(value)) return value;
  throw new MalformedError('a wish about members');
}

/** Throws MalformedError. */
export function readAnswer(bytes: Uint8Array): MemberAnswer {
  const value = parse(bytes);
  if (answers.Check(value) && isAnswer(value)) return value;
  throw new MalformedError('an answer about members');
}

function isAnswer(value: Static<typeof answerSchema>): value is Static<typeof answerSchema> & MemberAnswer {
  return value.kind !== 'refused' || Object.hasOwn(errorTable, value.code);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new MalformedError('no JSON');
  }
}
