/**
 * What a program shows to read `/metrics` and `/cluster` of a node that strangers can reach: it follows from the cluster key, so that
 * every node of a cluster takes the same one, and it opens nothing else.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';

export function operationsToken(clusterKey: Uint8Array): string {
  return createHmac('sha256', clusterKey).update('conclave operations token').digest('hex');
}

/** `authorization`: the header, `Bearer TOKEN`. */
function showsToken(authorization: string | undefined, token: string): boolean {
  const given = Buffer.from(authorization ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** For what only who runs the cluster may read. Null: everybody who can reach the node. */
export function askForToken({ operationsToken }: { readonly operationsToken: string | null }) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (operationsToken === null || showsToken(request.headers.authorization, operationsToken)) return;
    const text = 'This needs the token that `npm run admin -- token` prints.';
    await reply.code(401).header('www-authenticate', 'Bearer').send({ code: 'AUTH_REQUIRED', text });
  };
}
