/** `/api/v1/hooks`: webhooks, and what other programs post to one. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { HookView } from '../../chat/vocabulary/hook-types.ts';
import { parseStrictJson } from '../../protocol/json-scan.ts';
import { received } from '../http/answers.ts';
import { idempotencyKeyOf } from '../http/door.ts';
import { describe } from '../http/operation.ts';
import { announceLimit, RequestLimits } from '../http/request-limits.ts';
import type { Resources } from '../http/resources.ts';
import { closed, nothing, nullable, sequence, time } from '../http/schemas.ts';
import type { HookSecrets } from '../secrets/hook-secrets.ts';
import { hashSecret } from '../secrets/identifiers.ts';

export interface HookRoutesOptions {
  readonly secrets: HookSecrets;
  readonly clock: Clock;
}

const path = '/api/v1/hooks';
/** In a minute, on one node: below what one address may ask there that shows no session. */
const postsPerHook = 240;

const id = Type.Integer({ minimum: 1 });
const name = Type.String({ minLength: 1, maxLength: limits.displayNameChars });
const createBody = closed({
  to: Type.String({
    maxLength: limits.emailChars,
    description: '`#` and a group of one’s own, or a user’s name.',
  }),
  name,
  url: Type.Optional(
    Type.String({
      maxLength: limits.hookUrlChars,
      description: 'Where messages go. Without it they come in.',
    }),
  ),
});
const createAnswer = closed({
  id,
  secret: Type.String({
    description:
      'Of the Standard Webhooks form (`whsec_…`): signs what goes out, opens or signs what comes in.',
  }),
});
const entry = closed({
  id,
  direction: Type.String({ enum: ['in', 'out'] }),
  name: Type.String(),
  to: Type.String(),
  by: Type.String(),
  url: nullable(Type.String()),
  createdMs: time,
  pending: Type.Integer({ description: 'Messages that wait to be sent.' }),
  failures: Type.Integer({ description: 'Failed attempts at the first of them, lately.' }),
  fault: Type.String({ description: 'What the newest attempt ended with; empty: well.' }),
  suspended: Type.Boolean(),
});
const params = closed({ id });
const postBody = closed({ text: Type.String({ minLength: 1, maxLength: limits.messageBytes }) });
const postAnswer = closed({
  conversation: Type.String(),
  sequence,
  index: Type.Integer({ description: 'In the log.' }),
  sentMs: time,
});

type Own = { Params: Static<typeof params> };

export function addHooks(scope: FastifyInstance, resources: Resources, options: HookRoutesOptions): void {
  addCreation(scope, resources);
  addOwnHooks(scope, resources);
  // A scope of its own: what is signed is the body as it came.
  void scope.register(async (inner) => addPosts(inner, resources, options));
}

function addCreation(scope: FastifyInstance, { door, ask }: Resources): void {
  scope.post<{ Body: Static<typeof createBody> }>(
    path,
    describe({
      operationId: 'createHook',
      tag: 'bots',
      summary: 'Make a webhook: for messages of a conversation to go to a URL, or to come in.',
      description:
        'Of a group its owner’s, of a direct conversation either side’s. Asked again it is the same one.',
      repeatable: true,
      body: createBody,
      answers: { 201: createAnswer },
      errors: [
        'NAME_TAKEN',
        'BAD_DISPLAY_NAME',
        'LIMIT_REACHED',
        'SCOPE_MISSING',
        'UNKNOWN_USER',
        'UNKNOWN_GROUP',
        'NOT_A_MEMBER',
        'TOO_LONG',
      ],
    }),
    async (request, reply) => {
      const made = await ask(reply, door.contextOf(request), { op: 'create-hook', ...request.body });
      return reply.code(201).send({ id: made.id, secret: made.secret });
    },
  );
}

function addOwnHooks(scope: FastifyInstance, { door, ask }: Resources): void {
  scope.get(
    path,
    describe(
      {
        operationId: 'listHooks',
        tag: 'bots',
        summary: 'One’s own webhooks, and those in groups that one owns.',
        answers: { 200: closed({ hooks: Type.Array(entry) }) },
        errors: ['SCOPE_MISSING'],
      },
      'read',
    ),
    async (request, reply) => {
      const { hooks } = await ask(reply, door.contextOf(request), { op: 'hooks' });
      return { hooks };
    },
  );
  const described = (operationId: string, summary: string): ReturnType<typeof describe> =>
    describe({
      operationId,
      tag: 'bots',
      summary,
      params,
      answers: { 204: nothing },
      errors: ['UNKNOWN_HOOK', 'SCOPE_MISSING'],
    });
  const changing =
    (op: 'remove-hook' | 'resume-hook') =>
    async (request: FastifyRequest<Own>, reply: FastifyReply): Promise<FastifyReply> => {
      await ask(reply, door.contextOf(request), { op, id: request.params.id });
      return reply.code(204).send();
    };
  scope.delete<Own>(`${path}/:id`, described('removeHook', 'Remove a webhook.'), changing('remove-hook'));
  scope.post<Own>(
    `${path}/:id/resume`,
    described('resumeHook', 'Let a suspended webhook go on where it stood.'),
    changing('resume-hook'),
  );
}

const aboutPosts = `Whoever posts shows the secret: in \`Authorization: Bearer whsec_…\`, or by signing the body as the Standard Webhooks
specification says (\`webhook-id\`, \`webhook-timestamp\`, \`webhook-signature\`). \`Idempotency-Key\`, or a signed \`webhook-id\`, makes a
repetition the same message.`;

const signatureHeaders = {
  'webhook-id': Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  'webhook-timestamp': Type.Optional(Type.String({ pattern: '^[0-9]{1,12}$' })),
  'webhook-signature': Type.Optional(Type.String({ maxLength: 1_024 })),
};

/** Who may post: one that is not there looks like one whose secret is not known. */
class HookDoor {
  readonly #view: Resources['view'];
  readonly #options: HookRoutesOptions;
  readonly #quotas: RequestLimits;
  /** As they came: what is signed. */
  readonly #bodies = new WeakMap<FastifyRequest, string>();

  constructor(view: Resources['view'], options: HookRoutesOptions) {
    this.#view = view;
    this.#options = options;
    this.#quotas = new RequestLimits(options.clock);
  }

  /** The body is kept until the request is gone. Undefined: no JSON. */
  parse(request: FastifyRequest, body: string): unknown {
    this.#bodies.set(request, body);
    return parseStrictJson(body);
  }

  /** Throws `CodedError` AUTH_REQUIRED. */
  hookOf(request: FastifyRequest<Own>): HookView {
    const hook = this.#view.hook(Number(request.params.id));
    if (hook?.direction !== 'in' || !this.#isProven(request, hook)) {
      throw new CodedError('AUTH_REQUIRED', 'This is not the webhook’s secret.');
    }
    return hook;
  }

  count({ id: hook }: HookView, reply: FastifyReply): void {
    const standing = this.#quotas.take({ name: 'hook', requests: postsPerHook }, hook);
    if (standing === null) return;
    announceLimit(reply, standing);
    if (standing.isOver) throw new CodedError('RATE_LIMITED');
  }

  #isProven(request: FastifyRequest, { id: hook }: HookView): boolean {
    const { secrets, clock } = this.#options;
    const shown = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (shown !== undefined) return secrets.isSecretOf(hook, shown);
    const [webhookId, timestamp, signatures] = signatureOf(request);
    const body = this.#bodies.get(request) ?? '';
    return secrets.isSigned(hook, { id: webhookId, timestamp, body }, signatures, clock.wallMs());
  }
}

function addPosts(scope: FastifyInstance, { service, view }: Resources, options: HookRoutesOptions): void {
  const door = new HookDoor(view, options);
  scope.removeContentTypeParser('application/json');
  scope.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    const value = door.parse(request, String(body));
    if (value === undefined) done(new CodedError('BAD_REQUEST', 'The body is no JSON.'));
    else done(null, value);
  });
  scope.post<Own & { Body: Static<typeof postBody> }>(
    `${path}/:id`,
    {
      ...describe({
        operationId: 'postToHook',
        tag: 'bots',
        summary: 'Post a message through an incoming webhook.',
        description: aboutPosts,
        open: true,
        repeatable: true,
        params,
        headers: signatureHeaders,
        body: postBody,
        answers: { 201: postAnswer },
        errors: ['AUTH_REQUIRED', 'TOO_LONG', 'UNKNOWN_USER'],
      }),
      preHandler: async (request, reply) => {
        // One that was removed on another node takes nothing here.
        await service.barrier({ stale: false });
        door.count(door.hookOf(request), reply);
      },
    },
    async (request, reply) => {
      const hook = door.hookOf(request);
      const sent = received(
        await service.hooks.post(hook, request.body.text, keyOf(request, hook), request.ip),
      );
      if (sent.op !== 'send') throw new CodedError('INTERNAL');
      const { conversation, sequence: at, index, sentMs } = sent;
      return reply.code(201).send({ conversation, sequence: at, index, sentMs });
    },
  );
}

/** What makes a repetition the same message; null: nothing does. */
function keyOf(request: FastifyRequest, hook: HookView): string | null {
  const [webhookId] = signatureOf(request);
  const key = idempotencyKeyOf(request) ?? (webhookId === '' ? null : webhookId);
  return key === null ? null : hashSecret(`webhook ${hook.id} ${key}`).slice(0, 32);
}

/** Empty texts where it is not signed. */
function signatureOf({
  headers,
}: FastifyRequest): readonly [id: string, timestamp: string, signatures: string] {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((key) =>
    String(headers[key] ?? ''),
  );
  return [id ?? '', timestamp ?? '', signatures ?? ''];
}
