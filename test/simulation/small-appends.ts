/**
 * Appends that carry one entry, as where entries are large: so a leader hears of its predecessors' entries one by one, and a follower is told of
 * a commit index beyond what an append brings. To the core it is as if the rest had been lost.
 */
import { decodeFrame, encodeFrame } from '../../src/replication/formats/peer-frames.ts';
import type { PeerTransport } from '../../src/replication/ports/peer-transport.ts';

export function withSmallAppends(transport: PeerTransport): PeerTransport {
  const send = transport.send.bind(transport);
  transport.send = (node, lane, frame) => {
    const decoded = decodeFrame(frame);
    if (decoded?.kind !== 'raft') return send(node, lane, frame);
    const messages = decoded.messages.map((message) =>
      message.type === 'MsgApp' ? { ...message, entries: message.entries.slice(0, 1) } : message,
    );
    return send(node, lane, encodeFrame({ kind: 'raft', messages }));
  };
  return transport;
}
