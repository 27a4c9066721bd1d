/** What may be asked behind either door, and is noted in one journal. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ActionActor } from '../../chat/vocabulary/administration-types.ts';
import type { Administration } from '../requests/administration.ts';
import { addAccountRoutes } from './account-routes.ts';
import { type ActionJournal, keepJournal } from './action-journal.ts';
import { addClusterRoutes, type ClusterRoutesOptions } from './cluster-routes.ts';
import { addMemberRoutes, type MemberRoutesOptions } from './member-routes.ts';

export interface SharedOperations {
  readonly members: MemberRoutesOptions;
  readonly accounts: Administration;
  readonly cluster: ClusterRoutesOptions;
  readonly journal: ActionJournal;
}

/** `actorOf` says who has been let in. Whatever else the scope gets is noted too. */
export function addSharedOperations(
  scope: FastifyInstance,
  { members, accounts, cluster, journal }: SharedOperations,
  actorOf: (request: FastifyRequest) => ActionActor,
): void {
  keepJournal(scope, journal, actorOf);
  addMemberRoutes(scope, members);
  addAccountRoutes(scope, accounts);
  addClusterRoutes(scope, cluster);
}
