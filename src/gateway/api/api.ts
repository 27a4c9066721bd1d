/** `/api`: the document, the pages that show it, and the resources behind one door. */
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyError, FastifyInstance, FastifyPluginAsync } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { CodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import { addEvents } from '../bots/event-routes.ts';
import type { EventStreams } from '../bots/event-streams.ts';
import { addHooks } from '../bots/hook-routes.ts';
import { addTokens } from '../bots/token-routes.ts';
import type { Downloads } from '../files/downloads.ts';
import type { Uploads } from '../files/uploads.ts';
import { Asker } from '../http/answers.ts';
import { Door } from '../http/door.ts';
import { HttpSessions } from '../http/http-session.ts';
import { answerError, sendProblem } from '../http/problems.ts';
import { RequestLimits } from '../http/request-limits.ts';
import type { Resources } from '../http/resources.ts';
import { problem } from '../http/schemas.ts';
import { compileSerializer, compileValidator } from '../http/validation.ts';
import type { ActionJournal } from '../operations/action-journal.ts';
import { AdministratorGate, addAdministratorRoutes } from '../operations/administrator-gate.ts';
import type { SharedOperations } from '../operations/shared-operations.ts';
import type { Service } from '../requests/service.ts';
import type { HookSecrets } from '../secrets/hook-secrets.ts';
import type { SecureBytes } from '../secrets/identifiers.ts';
import { addAccounts } from './accounts.ts';
import { addAmendments } from './amendments.ts';
import { addConversations } from './conversations.ts';
import { documentOf } from './document.ts';
import { addFiles } from './files.ts';
import { addGroups } from './groups.ts';
import { addInvitations } from './invitations.ts';
import { addOwnExport } from './own-export.ts';
import { addPeople } from './people.ts';
import { addSessions } from './sessions.ts';

export interface ApiOptions {
  readonly service: Service;
  readonly view: ChatView;
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly streams: EventStreams;
  /** Null: there are no webhooks. */
  readonly hooks: { readonly secrets: HookSecrets } | null;
  readonly origins: () => readonly string[];
  /** The port speaks TLS. */
  readonly isSecure: boolean;
  /** Requests in a minute of one address that shows no session; 0: no limit. */
  readonly requestsPerAddress: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly secureBytes: SecureBytes;
  readonly journal: ActionJournal;
  readonly isDemonstration: boolean;
  /** Null: without a cluster key nobody looks after the cluster. */
  readonly operations: SharedOperations | null;
}

/** In a minute, of one account, on one node. */
const requestsPerAccount = 3_000;

export function api(options: ApiOptions): FastifyPluginAsync {
  return async (scope) => {
    scope.addSchema(problem);
    // What people wrote is what the answer says that it is, and never a page or a script.
    scope.addHook('onRequest', async (_request, reply) => {
      void reply.header('x-content-type-options', 'nosniff');
    });
    await scope.register(swagger, {
      openapi: documentOf(options),
      refResolver: {
        buildLocalReference: ({ $id }, _base, _fragment, at) =>
          $id === undefined ? `def-${at}` : String($id),
      },
    });
    scope.get('/api/openapi.json', { schema: { hide: true } }, () => scope.swagger());
    await scope.register(swaggerUi, {
      routePrefix: '/api/docs',
      staticCSP: pagePolicy,
      uiConfig: { layout: 'BaseLayout', deepLinking: true, validatorUrl: null },
      theme: { title: 'Conclave: HTTP API' },
    });
    await scope.register(async (inner) => addDoors(inner, options));
    await scope.register(
      async (inner) => {
        inner.setNotFoundHandler((_request, reply) =>
          sendProblem(reply, 'BAD_REQUEST', 'There is no such address.', 404),
        );
      },
      { prefix: '/api/v1' },
    );
  };
}

/** One way to check, to answer and to go wrong; one door for people, a stricter one behind it for administrators. */
function addDoors(scope: FastifyInstance, options: ApiOptions): void {
  const { view, origins, logger, isDemonstration, operations } = options;
  scope.setValidatorCompiler(compileValidator);
  scope.setSerializerCompiler(compileSerializer);
  scope.setErrorHandler((error: FastifyError | CodedError, _request, reply) =>
    answerError(error, reply, logger),
  );
  // What concerns one account, or the cluster, is kept by nobody on the way.
  scope.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store');
  });
  const door = doorOf(options);
  void scope.register(async (inner) => addResources(inner, options, door));
  if (operations === null) return;
  const gate = new AdministratorGate({ view, door, isDemonstration, origins });
  addAdministratorRoutes(scope, gate, operations);
}

function doorOf({ service, view, origins, isSecure, clock, requestsPerAddress }: ApiOptions): Door {
  return new Door({
    sessions: new HttpSessions(view, service),
    origins,
    isSecure,
    limits: new RequestLimits(clock),
    quotas: {
      account: { name: 'account', requests: requestsPerAccount },
      address: { name: 'address', requests: requestsPerAddress },
    },
  });
}

function addResources(scope: FastifyInstance, options: ApiOptions, door: Door): void {
  const { service, view, clock, secureBytes } = options;
  const asker = new Asker(service);
  const resources: Resources = { door, service, view, secureBytes, ask: (...asked) => asker.ask(...asked) };
  scope.addHook('onRequest', async (request, reply) => door.enter(request, reply));
  addSessions(scope, resources);
  addAccounts(scope, resources);
  addConversations(scope, resources);
  addAmendments(scope, resources);
  addGroups(scope, resources);
  addPeople(scope, resources);
  addFiles(scope, resources, options);
  addOwnExport(scope, resources);
  addInvitations(scope, resources, options.journal);
  addTokens(scope, resources);
  addEvents(scope, resources, options.streams);
  if (options.hooks !== null) addHooks(scope, resources, { ...options.hooks, clock });
}

/** Everything from this node, nothing inline; the pictures of its style sheet are in it. */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
