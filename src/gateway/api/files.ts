/** `/api/v1/files`: uploads that can be taken up again, downloads by range. */
import type { FastifyInstance } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { Downloads } from '../files/downloads.ts';
import type { Uploads } from '../files/uploads.ts';
import type { Resources } from '../http/resources.ts';
import { addDownloadRoutes } from './download-routes.ts';
import { addUploadRoutes } from './upload-routes.ts';

const prefix = '/api/v1/files';

export interface FilesOptions {
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly clock: Clock;
}

export function addFiles(scope: FastifyInstance, { door }: Resources, options: FilesOptions): void {
  const accountOf = (request: Parameters<typeof door.callerOf>[0]) => door.callerOf(request).identity.account;
  addUploadRoutes(scope, { ...options, prefix, accountOf });
  addDownloadRoutes(scope, { ...options, prefix, accountOf });
}
