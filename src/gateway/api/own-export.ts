/** `/api/v1/export`: all that is kept of one account and that it may read, line by line, as fast as it is taken. */
import { Readable } from 'node:stream';
import { Type } from '@sinclair/typebox';
import type { FastifyInstance } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import type { MessageEntry } from '../../protocol/requests.ts';
import type { ConnectionContext } from '../connections/context.ts';
import { received } from '../http/answers.ts';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { Turnstile } from '../http/turnstile.ts';

const linesType = 'application/x-ndjson';
const atOnce = 4;

export function addOwnExport(scope: FastifyInstance, resources: Resources): void {
  const turnstile = new Turnstile(atOnce, 1);
  scope.get(
    '/api/v1/export',
    describe(
      {
        operationId: 'exportOwn',
        tag: 'accounts',
        summary: 'All of one’s own: profile, conversations, messages.',
        description:
          'A line of JSON each, told apart by `type`: `profile`, `conversation`, behind each its `message`s, oldest first; at last `end`, without which it is not whole. Files are fetched by their ids.',
        answers: {
          200: {
            description: 'Lines.',
            content: { [linesType]: { schema: Type.Unsafe<string>({ type: 'string' }) } },
          },
        },
        errors: ['BUSY'],
      },
      'read',
    ),
    async (request, reply) => {
      const { account } = resources.door.callerOf(request).identity;
      const context = resources.door.contextOf(request);
      // Before the first line: what is refused is refused with a status.
      const { op: _op, ...profile } = await resources.ask(reply, context, { op: 'profile' });
      const { conversations } = await resources.ask(reply, context, { op: 'conversations' });
      if (!turnstile.enterWith(account, reply.raw)) throw new CodedError('BUSY');
      const lines = linesOf(resources, context, profile, conversations);
      return reply.type(linesType).send(Readable.from(lines, { objectMode: false }));
    },
  );
}

async function* linesOf(
  resources: Resources,
  context: ConnectionContext,
  profile: object,
  conversations: readonly { readonly conversation: string }[],
): AsyncGenerator<string, void, void> {
  yield line('profile', profile);
  for (const conversation of conversations) {
    yield line('conversation', conversation);
    for await (const page of messagesOf(resources, context, conversation.conversation)) {
      yield page.map((message) => line('message', message)).join('');
    }
  }
  yield line('end', {});
}

/** A conversation that is left or gone meanwhile ends the export, as it ends what may be read. */
async function* messagesOf(
  { service }: Resources,
  context: ConnectionContext,
  conversation: string,
): AsyncGenerator<readonly MessageEntry[], void, void> {
  const address = conversation === 'lobby' ? '#lobby' : conversation;
  for (let after = 0; ; ) {
    const asked = { op: 'history', with: address, after, limit: limits.historyMessages } as const;
    const pages = await service.historyPages(context, asked);
    if ('kind' in pages) throw received(pages);
    let count = 0;
    for await (const page of pages) {
      yield page;
      count += page.length;
      after = page.at(-1)?.sequence ?? after;
    }
    if (count < limits.historyMessages) return;
  }
}

function line(type: string, content: object): string {
  return `${JSON.stringify({ type, ...content })}\n`;
}
