/**
 * The door of `/api/v1/admin/…`: people with the role of an administrator, by their session, or by an access token of theirs with that scope. In the demonstration profile the cluster view may
 * also look, and do what its buttons do, without a login; pages of others may not, whoever visits them.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { CodedError, errorTable } from '../../base/errors.ts';
import type { ActionActor } from '../../chat/vocabulary/administration-types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Caller } from '../http/http-session.ts';
import { scopeFault } from '../requests/scopes.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that the cluster view of a demonstration may use without a login. */
    demonstration?: boolean;
  }
}

export interface AdministratorGateOptions {
  readonly view: Pick<ChatView, 'isAdministrator'>;
  /**
   * By the credentials of a request. `stale`: by what this node knew a moment ago. Rejects with `CodedError` AUTH_REQUIRED or UNAVAILABLE.
   */
  readonly authenticate: (request: FastifyRequest, stale: boolean) => Promise<Caller>;
  readonly isDemonstration: boolean;
  /** Origins of the members' own pages. */
  readonly origins: () => readonly string[];
}

/** A page of another site cannot send it without being asked first whether it may. */
export const pageHeader = 'x-conclave-page';

export class AdministratorGate {
  readonly #options: AdministratorGateOptions;

  constructor(options: AdministratorGateOptions) {
    this.#options = options;
  }

  /** Rejects with `CodedError` for whoever is not let in. */
  async admit(request: FastifyRequest): Promise<ActionActor> {
    const { isDemonstration, view, authenticate, origins } = this.#options;
    const { origin } = request.headers;
    const reads = request.method === 'GET' || request.method === 'HEAD';
    if (origin !== undefined && !origins().includes(origin)) {
      throw new CodedError('DENIED', 'This origin may not ask.');
    }
    const isOpen = isDemonstration && request.routeOptions.config.demonstration === true;
    if (isOpen && request.headers.authorization === undefined) {
      if (!reads && (origin === undefined || request.headers[pageHeader] === undefined)) {
        throw new CodedError('DENIED', 'Only the cluster view may ask this without a login.');
      }
      return { kind: 'page' };
    }
    // What the cluster view shows is asked for every second: not each time through the leader.
    const { identity } = await authenticate(
      request,
      reads && request.routeOptions.config.demonstration === true,
    );
    const { account, name } = identity;
    const barred = scopeFault(identity, 'administer');
    if (barred !== null) throw new CodedError(barred.code, barred.text);
    if (!view.isAdministrator(account)) throw new CodedError('DENIED', 'This is for administrators.');
    return { kind: 'account', account, name };
  }
}

/** Routes for administrators. Bodies come as bytes, as behind the operators' door. Returns who has been let in. */
export function addAdministratorRoutes(
  app: FastifyInstance,
  gate: AdministratorGate,
  add: (scope: FastifyInstance, actorOf: (request: FastifyRequest) => ActionActor) => void,
): void {
  const actors = new WeakMap<FastifyRequest, ActionActor>();
  const actorOf = (request: FastifyRequest): ActionActor => {
    const actor = actors.get(request);
    if (actor === undefined) throw new CodedError('AUTH_REQUIRED');
    return actor;
  };
  void app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
      scope.addHook('onRequest', async (request, reply) => {
        try {
          actors.set(request, await gate.admit(request));
        } catch (error) {
          if (!(error instanceof CodedError)) throw error;
          const { code, message } = error;
          await reply.code(errorTable[code].http).send({ code, text: message });
        }
      });
      add(scope, actorOf);
    },
    { prefix: '/api/v1' },
  );
}
