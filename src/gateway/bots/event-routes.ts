/** `/api/v1/events`: what happens, as server-sent events or over a WebSocket. */
import { type Static, Type } from '@sinclair/typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { describe } from '../http/operation.ts';
import type { Resources } from '../http/resources.ts';
import { closed } from '../http/schemas.ts';
import type { Admission, EventStreams } from './event-streams.ts';
import { SocketWire, SseWire } from './event-wire.ts';

const cursor = Type.String({ pattern: '^[0-9]{1,16}$' });
const querystring = closed({
  after: Type.Optional(Type.String({ ...cursor, description: 'Go on behind the event with this `id`.' })),
  watch: Type.Optional(
    Type.Boolean({ description: 'Also tell who comes online and goes, and who is typing.' }),
  ),
});
const lastEventId = Type.Optional(
  Type.String({ ...cursor, description: 'The same, as an EventSource sends it; it counts before `after`.' }),
);

const about = `Events are those of the native protocol, with the same fields. \`message\` and \`amended\` come in the order of the log, each once, with
an \`id\`; whoever shows the last one again goes on behind it, on any node. \`caught-up\` moves it. Others (\`group\`, \`delivered\`, \`read\`,
and with \`watch\` \`presence\` and \`typing\`) come while one listens. Without a cursor the stream begins now. It ends with a \`closing\` that says why. As a WebSocket (an upgrade of the same
address) each frame holds the object, with the cursor in \`index\`.`;

export function addEvents(scope: FastifyInstance, { door }: Resources, streams: EventStreams): void {
  const admissions = new WeakMap<FastifyRequest, Admission>();
  scope.route<{ Querystring: Static<typeof querystring> }>({
    method: 'GET',
    url: '/api/v1/events',
    // A HEAD would hold a stream that nobody reads.
    exposeHeadRoute: false,
    ...describe(
      {
        operationId: 'streamEvents',
        tag: 'bots',
        door: 'events',
        summary: 'What happens, as it happens.',
        description: about,
        querystring,
        headers: { 'last-event-id': lastEventId },
        answers: {
          200: {
            description: 'A stream without an end.',
            content: { 'text/event-stream': { schema: Type.String() } },
          },
        },
        errors: ['SCOPE_MISSING', 'TOO_MANY_CONNECTIONS'],
      },
      'read',
    ),
    preHandler: async (request) => {
      const shown = request.headers['last-event-id'];
      const after = typeof shown === 'string' ? shown : request.query.after;
      const { watch = false } = request.query;
      const admission = streams.admit(door.callerOf(request), after, watch);
      // Whoever asked may be gone before the stream is opened, or may never become a WebSocket.
      request.raw.socket.once('close', admission.leave);
      if (request.raw.socket.destroyed) admission.leave();
      admissions.set(request, admission);
    },
    handler: (request, reply) => {
      const admission = admissions.get(request);
      if (admission === undefined) return;
      void reply.hijack();
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) reply.raw.setHeader(name, value);
      }
      streams.open(new SseWire(reply.raw), admission);
    },
    wsHandler: (socket, request) => {
      const admission = admissions.get(request);
      if (admission === undefined) socket.terminate();
      else streams.open(new SocketWire(socket), admission);
    },
  });
}
