/** What a node shows that cannot start for want of room on its disk: that it is alive, and why it does not take part. */
import { type FastifyInstance, fastify } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import type { NodeConfig } from '../../base/config.ts';
import type { Disk } from '../../base/disk.ts';
import { MIB } from '../../base/limits.ts';
import type { Logger } from '../../base/logger.ts';
import { levelOf, marksOn, type RoomSettings } from '../../replication/storage/disk-room.ts';
import type { Material } from '../../tls/material.ts';
import type { MaterialSource } from '../../tls/transport-security.ts';
import { portError } from '../connections/listen.ts';
import { serverOptions } from '../connections/secure-server.ts';
import { askForToken } from './operations-token.ts';

const lookEveryMs = 1_000;

export interface WaitOptions {
  readonly self: Pick<NodeConfig, 'id' | 'host' | 'httpPort'>;
  readonly disk: Pick<Disk, 'space'>;
  readonly settings: RoomSettings;
  /** Null: plain text, as the node itself would answer. */
  readonly tls: MaterialSource<Material> | null;
  /** Wanted for `/cluster`, as by a node that runs. Null: it is not. */
  readonly operationsToken: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Asked only if the node has to wait; resolves when it is to stop. */
  readonly stopAsked: () => Promise<unknown>;
}

/** Resolves true once there is room, at once as a rule; false when the node was asked to stop before. */
export async function waitForRoom(options: WaitOptions): Promise<boolean> {
  let alarm = await obstacle(options);
  if (alarm === null) return true;
  let stopped = false;
  const stopAsked = options.stopAsked();
  void stopAsked.then(() => {
    stopped = true;
  });
  const page = waitingPage(options, () => alarm ?? '');
  const { host, httpPort } = options.self;
  await page.listen({ host, port: httpPort }).catch((error: Error) => {
    throw portError(error, host, httpPort, 'HTTP port');
  });
  options.logger.error({}, alarm);
  while (alarm !== null && !stopped) {
    await Promise.race([pause(options.clock), stopAsked]);
    alarm = await obstacle(options);
  }
  await page.close();
  if (!stopped) options.logger.warn({}, 'there is room on the disk again: starting');
  return !stopped;
}

/** Opening the data needs some room itself: for a new table, and a new segment. */
async function obstacle({ disk, settings }: WaitOptions): Promise<string | null> {
  const space = await disk.space();
  if (levelOf(space, settings, 'none') !== 'none') return null;
  const { reserveBytes } = marksOn(space, settings);
  const mib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
  return `disk: no space (${Math.floor(space.freeBytes / MIB)} MiB free): this node does not take part until there are ${mib(reserveBytes * 1.25)}`;
}

function pause(clock: Clock): Promise<void> {
  return new Promise((resolve) => void clock.after(lookEveryMs, resolve));
}

function waitingPage(options: WaitOptions, alarm: () => string): FastifyInstance {
  const { self, tls } = options;
  const base = { logger: false, forceCloseConnections: true };
  const page: FastifyInstance =
    tls === null ? fastify(base) : fastify({ ...base, https: serverOptions(tls) });
  const { id } = self;
  page.get('/healthz', () => ({ status: 'alive' }));
  page.get('/readyz', (_request, reply) => reply.code(503).send({ reason: alarm() }));
  const nothing = { term: 0, leader: null, commitIndex: 0, appliedIndex: 0, members: [] };
  page.get('/cluster', { onRequest: askForToken(options) }, () => ({
    id,
    role: 'observer',
    ...nothing,
    alarms: [alarm()],
  }));
  return page;
}
