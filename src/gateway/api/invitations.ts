/** `/api/v1/invitations`: codes with which people may register, made by administrators. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { refusalOf } from '../http/answers.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed } from '../http/schemas.ts';
import type { ActionJournal } from '../operations/action-journal.ts';
import { hashSecret } from '../secrets/identifiers.ts';

const weekMs = 7 * 24 * 3_600_000;
const body = closed({
  uses: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.invitationUses, default: 1 })),
  lifetimeMs: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.invitationMs, default: weekMs })),
});
const answer = closed({
  code: Type.String({ description: 'Shown this once: only its hash is kept.' }),
  uses: Type.Integer(),
  lifetimeMs: Type.Integer(),
});

export function addInvitations(scope: FastifyInstance, resources: Resources, journal: ActionJournal): void {
  const { door, service, view, secureBytes } = resources;
  scope.post<{ Body: Static<typeof body> }>(
    '/api/v1/invitations',
    describe({
      operationId: 'invite',
      tag: 'administration',
      door: 'invite',
      summary: 'Make an invitation, as an administrator.',
      body,
      answers: { 201: answer },
      errors: ['LIMIT_REACHED'],
    }),
    async (request, reply) => {
      const { account, name } = door.callerOf(request).identity;
      if (!view.isAdministrator(account)) throw new CodedError('DENIED', 'This is for administrators.');
      const { uses = 1, lifetimeMs = weekMs } = request.body;
      const by = { kind: 'account', account, name } as const;
      const begun = await journal.begin(by, { action: 'invite', subject: `${uses} × ${lifetimeMs} ms` });
      if (begun.kind === 'refused') throw new CodedError(begun.code);
      const code = Buffer.from(secureBytes(16)).toString('hex');
      const made = await service.administration.invite(hashSecret(code), uses, lifetimeMs);
      await journal.end(begun, outcomeOf(made));
      if (made.kind !== 'done') throw refusalOf(made);
      return reply.code(201).send({ code, uses, lifetimeMs });
    },
  );
}

type Made = Awaited<ReturnType<Resources['service']['administration']['invite']>>;

function outcomeOf(made: Made): string {
  if (made.kind === 'rejection') return made.code;
  return made.kind === 'done' ? 'done' : 'UNKNOWN_OUTCOME';
}
