/** What a node is put together from, each part replaceable by one that behaves differently. That is how mutants come in, and the only way. */
import type { Clock } from '../../src/base/clock.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { ChatMachine } from '../../src/chat/machine.ts';
import type { ChatEvent, Result } from '../../src/chat/vocabulary/types.ts';
import type { NativeSocket } from '../../src/gateway/native/native-socket.ts';
import type { Engine } from '../../src/replication/ports/engine.ts';
import type { PeerTransport } from '../../src/replication/ports/peer-transport.ts';
import type { StateMachine } from '../../src/replication/ports/state-machine.ts';
import type { Identity } from '../../src/replication/storage/identity.ts';
import type { OpenLevel } from '../../src/store/database.ts';
import type { StateStore } from '../../src/store/state-store.ts';
import type { LogStore } from '../../src/wal/log-store.ts';
import type { Machine } from './machine.ts';

/** Which node it is, in which life. */
export interface Place {
  readonly node: number;
  readonly machine: Machine;
  readonly clock: Clock;
}

export interface Wiring {
  clock(clock: Clock, place: Place): Clock;
  disk(disk: Disk, place: Place): Disk;
  openLevel(open: OpenLevel, place: Place): OpenLevel;
  identity(identity: Identity, place: Place): Identity;
  log(log: LogStore, place: Place): LogStore;
  store(store: StateStore, place: Place): StateStore;
  machine(machine: ChatMachine, place: Place): StateMachine<Result, ChatEvent>;
  transport(transport: PeerTransport, place: Place): PeerTransport;
  /** As the gateway sees it. */
  engine(engine: Engine<Result, ChatEvent>, place: Place): Engine<Result, ChatEvent>;
  /** The node's end of a client's connection. */
  socket(socket: NativeSocket, place: Place): NativeSocket;
}

const same = <Port>(port: Port): Port => port;

export const faithful: Wiring = {
  clock: same,
  disk: same,
  openLevel: same,
  identity: same,
  log: same,
  store: same,
  machine: same,
  transport: same,
  engine: same,
  socket: same,
};
