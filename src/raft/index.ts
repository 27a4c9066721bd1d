/** What the consensus core shows to its drivers; everything else in this folder is its own affair. */

export { confChangeOf, decodeConfChange, encodeConfChange } from './conf-change.ts';
export { defaultRaftConfig, type RequiredRaftConfig, silentLogger } from './config.ts';
export { describeConfiguration, isJoint, isVoter, membersOf } from './configuration.ts';
export { ENTRY_OVERHEAD_BYTES, entriesSize, entrySize } from './entries.ts';
export { emptyConfState, MemoryLog } from './memory-log.ts';
export { isStorageThread, type MessageFields, makeMessage } from './messages.ts';
export { describePeer } from './progress.ts';
export { RawNode } from './raw-node.ts';
export * from './types.ts';
