/** `/api/v1/sessions`: logging in and out, for programs with a token, for pages with a cookie; and a page's tabs. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import { ConnectionContext } from '../connections/context.ts';
import { received } from '../http/answers.ts';
import { clearCookie, csrfTokenOf, setCookie } from '../http/cookies.ts';
import { bearerOf, credentialsOf, type SessionNames } from '../http/credentials.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import {
  closed,
  nothing,
  nullable,
  password,
  sessionName,
  sessionSecret,
  userName,
} from '../http/schemas.ts';
import { settled } from '../requests/replies.ts';
import { hashSecret } from '../secrets/identifiers.ts';

/** Whoever makes them itself may ask again when the answer is lost. */
const ownNames = { session: Type.Optional(sessionName), secret: Type.Optional(sessionSecret) };
const csrfToken = Type.String({
  description: 'To be sent as `X-CSRF-Token` with every change that comes with the cookie.',
});
const token = Type.String({
  description:
    'For `Authorization: Bearer`; also the session and the secret of the native protocol’s hello, with a dot between them.',
});

const loginBody = closed({
  user: userName,
  password,
  cookie: Type.Optional(
    Type.Boolean({ description: 'The session goes into an HttpOnly cookie, and not into the answer.' }),
  ),
  ...ownNames,
});
const loginAnswer = closed({
  user: Type.String(),
  session: sessionName,
  token: Type.Optional(token),
  csrfToken: Type.Optional(csrfToken),
});
const currentAnswer = closed({
  user: Type.String(),
  session: nullable(sessionName),
  via: Type.Union([Type.Literal('bearer'), Type.Literal('cookie'), Type.Literal('token')]),
  csrfToken: Type.Optional(csrfToken),
});
const deriveBody = closed(ownNames);
const deriveAnswer = closed({ user: Type.String(), session: sessionName, secret: sessionSecret, token });

const path = '/api/v1/sessions';

export function addSessions(scope: FastifyInstance, resources: Resources): void {
  scope.post<{ Body: Static<typeof loginBody> }>(
    path,
    describe({
      operationId: 'logIn',
      tag: 'sessions',
      summary: 'Log in.',
      description: 'Ends the session that comes with the request, if there is one.',
      open: true,
      body: loginBody,
      answers: { 201: loginAnswer },
      errors: [
        'BAD_CREDENTIALS',
        'UNKNOWN_USER',
        'LOGGED_IN_ELSEWHERE',
        'TOO_LONG',
        'CONFLICT',
        'SESSION_EXPIRED',
      ],
    }),
    async (request, reply) => logIn(resources, request, reply),
  );
  addCurrent(scope, resources);
  addDerived(scope, resources);
}

function addCurrent(scope: FastifyInstance, resources: Resources): void {
  const { door } = resources;
  scope.get(
    `${path}/current`,
    describe(
      {
        operationId: 'currentSession',
        tag: 'sessions',
        summary: 'Whose session this is.',
        answers: { 200: currentAnswer },
      },
      'read',
    ),
    async (request) => {
      const { identity, session, credentials } = door.callerOf(request);
      const csrf = credentials.via === 'cookie' ? { csrfToken: csrfTokenOf(credentials.secret) } : {};
      const via = credentials.kind === 'token' ? 'token' : credentials.via;
      return { user: identity.name, session, via, ...csrf };
    },
  );

  scope.delete(
    `${path}/current`,
    describe({
      operationId: 'logOut',
      door: 'end-session',
      tag: 'sessions',
      summary: 'Log out, with every session that was derived from this one.',
      answers: { 204: nothing },
    }),
    async (request, reply) => {
      await resources.ask(reply, door.contextOf(request), { op: 'logout' });
      return reply.header('set-cookie', clearCookie(door.isSecure)).code(204).send();
    },
  );
}

function addDerived(scope: FastifyInstance, resources: Resources): void {
  const { door, service } = resources;
  scope.post<{ Body: Static<typeof deriveBody> }>(
    `${path}/derived`,
    describe({
      operationId: 'deriveSession',
      door: 'derive-session',
      tag: 'sessions',
      summary: 'A session of its own for a tab, which ends with this one.',
      description:
        'For the native protocol at `/ws`, which takes no cookie. The least recently used of 32 goes first. What was derived derives nothing.',
      body: deriveBody,
      answers: { 201: deriveAnswer },
      errors: ['CONFLICT'],
    }),
    async (request, reply) => {
      const own = credentialsFrom(request.body, resources);
      const { identity } = door.callerOf(request);
      const command = {
        kind: 'derive-session',
        session: own.session,
        secretHash: hashSecret(own.secret),
      } as const;
      const answer = settled(await service.propose(door.contextOf(request), command));
      if (answer.kind !== 'applied') throw received(answer);
      refreshCookie(resources, request, reply);
      return reply.code(201).send({ user: identity.name, ...own, token: bearerOf(own) });
    },
  );
}

async function logIn(
  resources: Resources,
  request: FastifyRequest<{ Body: Static<typeof loginBody> }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { door } = resources;
  const { user, password: typed, cookie = false } = request.body;
  const own = credentialsFrom(request.body, resources);
  const shown = credentialsOf(request.headers, door.isSecure);
  const previous = shown?.kind !== 'session' ? {} : { previous: shown.session, previousSecret: shown.secret };
  const context = new ConnectionContext(own.session, request.ip);
  const numbering = { session: own.session, secretHash: hashSecret(own.secret), sequence: 1, lowest: 1 };
  const answer = await resources.ask(
    reply,
    context,
    { op: 'login', user, password: typed, ...previous },
    numbering,
  );
  const about = { user: answer.user, session: own.session };
  void reply.code(201);
  if (!cookie) return reply.send({ ...about, token: bearerOf(own) });
  return reply
    .header('set-cookie', setCookie(bearerOf(own), door.isSecure, isSecurePage(request)))
    .send({ ...about, csrfToken: csrfTokenOf(own.secret) });
}

function credentialsFrom(
  { session, secret }: Partial<SessionNames>,
  { secureBytes }: Resources,
): SessionNames {
  if (session !== undefined && secret !== undefined) return { session, secret };
  if (session !== undefined || secret !== undefined) {
    throw new CodedError('BAD_REQUEST', '`session` and `secret` come together, or neither does.');
  }
  const hex = (count: number): string => Buffer.from(secureBytes(count)).toString('hex');
  return { session: hex(16), secret: hex(32) };
}

/** A page that is used keeps its cookie for as long as its session may live. */
function refreshCookie({ door }: Resources, request: FastifyRequest, reply: FastifyReply): void {
  const { credentials } = door.callerOf(request);
  if (credentials.via === 'cookie')
    void reply.header('set-cookie', setCookie(bearerOf(credentials), door.isSecure, isSecurePage(request)));
}

/** A browser tells where the page of a change comes from; behind a proxy this port may not know. */
function isSecurePage({ headers }: FastifyRequest): boolean {
  return headers.origin?.startsWith('https:') === true;
}
