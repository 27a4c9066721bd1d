import type { ChatEvent, Result } from '../../src/chat/vocabulary/types.ts';
import type { Engine } from '../../src/replication/ports/engine.ts';

/** An engine of which some methods are others. */
export function engineWith(
  engine: Engine<Result, ChatEvent>,
  changes: Partial<Engine<Result, ChatEvent>>,
): Engine<Result, ChatEvent> {
  return {
    node: engine.node,
    propose: (command, format) => engine.propose(command, format),
    barrier: () => engine.barrier(),
    status: () => engine.status(),
    onApplied: (listener) => engine.onApplied(listener),
    onReset: (listener) => engine.onReset(listener),
    onLeader: (listener) => engine.onLeader(listener),
    changeMembers: (change, tag) => engine.changeMembers(change, tag),
    transferLeader: (node) => engine.transferLeader(node),
    onMembers: (listener) => engine.onMembers(listener),
    handOver: () => engine.handOver(),
    stop: () => engine.stop(),
    ...changes,
  };
}
