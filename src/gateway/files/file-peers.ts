import type { ChatEvent, Result } from '../../chat/vocabulary/types.ts';
import type { FilePeers } from '../../files/ports.ts';
import type { Engine, PeerStreams } from '../../replication/ports/engine.ts';

/** The other nodes as the room of files knows them. */
export function filePeers(
  engine: Pick<Engine<Result, ChatEvent>, 'node' | 'status' | 'barrier'>,
  streams: Pick<PeerStreams, 'open'>,
): FilePeers {
  return {
    self: engine.node,
    members: () => engine.status().members,
    ask: (node, question) => streams.open(node, question),
    barrier: () => engine.barrier(),
  };
}
