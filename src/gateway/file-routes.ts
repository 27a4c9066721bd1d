/** `/api/v1/files`: for sessions that are logged in, with errors as problem details. */
import type { FastifyError, FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { AccountId } from '../chat/types.ts';
import { scopeFault } from './bots/scopes.ts';
import { addDownloadRoutes } from './download-routes.ts';
import type { Downloads } from './downloads.ts';
import type { HttpSessions } from './http-session.ts';
import { answerError } from './problems.ts';
import { addUploadRoutes } from './upload-routes.ts';
import type { Uploads } from './uploads.ts';

export interface FileRoutesOptions {
  readonly sessions: HttpSessions;
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly clock: Clock;
  readonly logger: Logger;
}

const prefix = '/api/v1/files';

export function fileRoutes(options: FileRoutesOptions): FastifyPluginAsync {
  const { sessions, logger } = options;
  const accounts = new WeakMap<FastifyRequest, AccountId>();
  const accountOf = (request: FastifyRequest): AccountId => {
    const account = accounts.get(request);
    if (account === undefined) throw new CodedError('AUTH_REQUIRED');
    return account;
  };
  return async (scope) => {
    scope.setErrorHandler((error: FastifyError | CodedError, _request, reply) =>
      answerError(error, reply, logger),
    );
    // Before any of the body is read: a stranger makes the node hold nothing.
    scope.addHook('onRequest', async (request) => {
      const identity = await sessions.authenticate(request.headers.authorization);
      const door = request.routeOptions.url?.startsWith(`${prefix}/uploads`) ? 'upload' : 'download';
      const barred = scopeFault(identity, door);
      if (barred !== null) throw new CodedError(barred.code, barred.text);
      accounts.set(request, identity.account);
    });
    addUploadRoutes(scope, { ...options, prefix, accountOf });
    addDownloadRoutes(scope, { ...options, prefix, accountOf });
  };
}
