/** The chat at one log index, computed anew from the log of a node that is dead: what a backup of that index must be equal to. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../../../src/base/errors.ts';
import { systemClock } from '../../../src/base/system-clock.ts';
import { ChunkStore } from '../../../src/files/chunk-store.ts';
import { decodeEnvelope } from '../../../src/replication/formats/envelope.ts';
import { FOUNDING_INDEX } from '../../../src/replication/formats/members.ts';
import { LOG_DIRECTORY } from '../../../src/replication/storage/data-directory.ts';
import { openLog } from '../../../src/wal/log.ts';
import { nodeDisk } from '../../../src/wal/node-disk.ts';
import { World } from '../../chat/support/world.ts';

/** The log must go back to the founding. */
export async function replayed(directory: string, index: number): Promise<World> {
  const identity: unknown = JSON.parse(await readFile(join(directory, 'identity.json'), 'utf8'));
  const isIdentity = typeof identity === 'object' && identity !== null && 'incarnation' in identity;
  const log = await openLog({
    disk: nodeDisk(directory),
    directory: LOG_DIRECTORY,
    identity: isIdentity ? Number(identity.incarnation) : 0,
    clock: systemClock,
  });
  const { start, entries } = log.recovered;
  await log.close();
  if (start?.index !== FOUNDING_INDEX) throw new Error('the log was cut');
  const world = new World();
  for (const entry of entries) {
    if (entry.index > index) break;
    if (entry.type !== 'normal' || entry.data.length === 0) continue;
    const { time, command } = decodeEnvelope(entry.data);
    world.machine.apply({ index: entry.index, time, command });
    world.store();
  }
  return world;
}

/** The chunks of a node that does not run, as an export reads them. */
export async function filesOf(directory: string): Promise<{ read(address: string): Promise<Uint8Array> }> {
  const chunks = await ChunkStore.open({
    disk: nodeDisk(directory),
    hasRoom: async () => false,
    onLost: () => undefined,
  });
  return {
    read: async (address) => {
      const content = await chunks.read(address);
      if (content === null) throw new CodedError('UNAVAILABLE');
      return content;
    },
  };
}
