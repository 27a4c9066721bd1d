import type { Fault } from './faults.ts';

/** One fault as people say it. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case 'kill':
      return `node ${fault.node} is killed, for ${seconds(fault.forMs)}`;
    case 'power':
      return `machine ${fault.node} loses its power, for ${seconds(fault.forMs)}`;
    case 'power-all':
      return `all machines lose their power, for ${seconds(fault.forMs)}`;
    case 'stop':
      return `node ${fault.node} is stopped cleanly, for ${seconds(fault.forMs)}`;
    case 'pause':
      return `node ${fault.node} is paused, for ${seconds(fault.forMs)}`;
    case 'cut':
      return `nodes ${fault.node} and ${fault.other} are cut off from each other, for ${seconds(fault.forMs)}`;
    case 'silence':
      return `what node ${fault.node} sends to node ${fault.other} vanishes, for ${seconds(fault.forMs)}`;
    case 'isolate':
      return `node ${fault.node} is ${fault.how === 'cut' ? 'cut off from' : 'no longer heard by, and deaf to,'} the others, for ${seconds(fault.forMs)}`;
    case 'reset':
      return `the connections between nodes ${fault.node} and ${fault.other} break`;
    case 'bad-network':
      return `of the frames ${percent(fault.loss)} are lost, ${percent(fault.repeat)} repeated, ${percent(fault.reorder)} overtaken, for ${seconds(fault.forMs)}`;
    case 'slow-network':
      return `frames take ${fault.leastMs} to ${fault.leastMs + fault.spreadMs} ms, for ${seconds(fault.forMs)}`;
    case 'slow-disk':
      return `syncs of machine ${fault.node} take up to ${fault.spreadMs} ms, for ${seconds(fault.forMs)}`;
    case 'failing-disk':
      return `the next write or sync of machine ${fault.node} fails`;
    case 'full-disk':
      return `the disk of machine ${fault.node} has ${fault.freeBytes} bytes left, for ${seconds(fault.forMs)}`;
    case 'flip':
      return `node ${fault.node} is stopped, and a bit of its log turns over`;
    case 'hole':
      return `node ${fault.node} is stopped, and its state loses a batch`;
    case 'rot':
      return `a bit of the state on the disk of machine ${fault.node} turns over`;
    case 'wall-jump':
      return `the wall clock of machine ${fault.node} jumps by ${seconds(fault.byMs)}`;
    case 'drift':
      return `the clocks of machine ${fault.node} run at ${fault.rate.toFixed(3)} times their speed`;
    case 'wipe':
      return `node ${fault.node} is stopped and its disk replaced by an empty one`;
    case 'retire':
      return `node ${fault.node} is taken out of the cluster, to come back as a new member`;
    case 'depose':
      return `the next ${fault.times} leaders are cut off ${fault.afterMs} ms after their election, for ${seconds(fault.forMs)} and more`;
    case 'hand-over':
      return 'the leader is asked to hand over';
    case 'client-silence':
      return `nothing passes between clients and node ${fault.node}, for ${seconds(fault.forMs)}`;
    case 'client-slow':
      return `between clients and node ${fault.node} everything takes ${fault.leastMs} to ${fault.leastMs + fault.spreadMs} ms, for ${seconds(fault.forMs)}`;
    case 'client-reset':
      return `the connections of clients with node ${fault.node} break`;
    case 'client-restart':
      return `client ${fault.client} is killed and started again with its session`;
    case 'client-anew':
      return `client ${fault.client} is killed and started again with nothing, as if it were somewhere else`;
  }
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const percent = (chance: number): string => `${(chance * 100).toFixed(0)} %`;
