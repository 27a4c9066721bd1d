/**
 * The door of `/api/v1/admin/…`: people with the role of an administrator, by their session, or by an access token of theirs with that scope. In the demonstration profile the cluster view may
 * also look, and do what its buttons do, without a login; pages of others may not, whoever visits them.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { CodedError } from '../../base/errors.ts';
import type { ActionActor } from '../../chat/vocabulary/administration-types.ts';
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Door } from '../http/door.ts';
import { addSharedOperations, type SharedOperations } from './shared-operations.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** A route that the cluster view of a demonstration may use without a login. */
    demonstration?: boolean;
  }
}

export interface AdministratorGateOptions {
  readonly view: Pick<ChatView, 'isAdministrator'>;
  readonly door: Pick<Door, 'enter' | 'callerOf'>;
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
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<ActionActor> {
    const { view, door } = this.#options;
    if (this.#isShow(request)) return { kind: 'page' };
    await door.enter(request, reply);
    const { account, name } = door.callerOf(request).identity;
    if (!view.isAdministrator(account)) throw new CodedError('DENIED', 'This is for administrators.');
    return { kind: 'account', account, name };
  }

  /** What the document says of the access to a route; null: what it says of all. */
  securityOf(method: string, isShown: boolean | undefined): Record<string, string[]>[] | null {
    if (!this.#options.isDemonstration || isShown !== true) return null;
    return [{ bearer: [] }, { cookie: [] }, isRead(method) ? {} : { page: [] }];
  }

  #isShow({ method, headers, routeOptions }: FastifyRequest): boolean {
    const { isDemonstration, origins } = this.#options;
    const isShown = isDemonstration && routeOptions.config.demonstration === true;
    if (!isShown || headers.authorization !== undefined) return false;
    const { origin } = headers;
    if (origin === undefined) return isRead(method);
    return origins().includes(origin) && (isRead(method) || headers[pageHeader] !== undefined);
  }
}

function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Within the scope of the API, which answers errors as problem details. */
export function addAdministratorRoutes(
  api: FastifyInstance,
  gate: AdministratorGate,
  operations: SharedOperations,
): void {
  const actors = new WeakMap<FastifyRequest, ActionActor>();
  const actorOf = (request: FastifyRequest): ActionActor => {
    const actor = actors.get(request);
    if (actor === undefined) throw new CodedError('AUTH_REQUIRED');
    return actor;
  };
  void api.register(
    async (scope) => {
      scope.addHook('onRoute', (route) => {
        const security = gate.securityOf(String(route.method), route.config?.demonstration);
        if (security !== null) route.schema = { ...route.schema, security };
      });
      scope.addHook('onRequest', async (request, reply) => {
        actors.set(request, await gate.admit(request, reply));
      });
      addSharedOperations(scope, operations, actorOf);
    },
    { prefix: '/api/v1' },
  );
}
