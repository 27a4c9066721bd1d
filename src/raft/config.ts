import { CodedError } from '../base/errors.ts';
import { LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD, NONE, type RaftConfig, type RaftLogger } from './types.ts';

/** Tells nothing to nobody. */
export const silentLogger: RaftLogger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** What a caller must choose: who it is, what it stands on, and its source of chance. */
export type RequiredRaftConfig = Pick<RaftConfig, 'id' | 'storage' | 'randomBelow'>;

/** The defaults of etcd-io/raft: no pre-vote, no check of the quorum, safe reads, no bound in bytes. */
export function defaultRaftConfig(chosen: RequiredRaftConfig & Partial<RaftConfig>): RaftConfig {
  return {
    electionTicks: 10,
    heartbeatTicks: 1,
    applied: 0,
    asyncStorageWrites: false,
    maxSizePerMessage: 1024 * 1024,
    maxCommittedSizePerReady: chosen.maxSizePerMessage ?? 1024 * 1024,
    maxUncommittedEntriesSize: Number.POSITIVE_INFINITY,
    maxInflightMessages: 256,
    maxInflightBytes: Number.POSITIVE_INFINITY,
    checkQuorum: false,
    preVote: false,
    readOnly: 'safe',
    disableProposalForwarding: false,
    disableConfChangeValidation: false,
    stepDownOnRemoval: false,
    logger: silentLogger,
    ...chosen,
  };
}

/** Throws `CodedError` CONFIG_INVALID that names the field. */
export function checkConfig(config: RaftConfig): void {
  const { id } = config;
  const validId =
    Number.isSafeInteger(id) && id > NONE && id !== LOCAL_APPEND_THREAD && id !== LOCAL_APPLY_THREAD;
  require(validId, 'id must be a safe integer above 0 that is no storage thread');
  require(config.heartbeatTicks > 0, 'heartbeatTicks must be above 0');
  require(config.electionTicks > config.heartbeatTicks, 'electionTicks must be above heartbeatTicks');
  require(config.maxSizePerMessage >= 0, 'maxSizePerMessage must not be negative');
  require(config.maxCommittedSizePerReady > 0, 'maxCommittedSizePerReady must be above 0');
  require(config.maxUncommittedEntriesSize > 0, 'maxUncommittedEntriesSize must be above 0');
  require(config.maxInflightMessages > 0, 'maxInflightMessages must be above 0');
  require(config.maxInflightBytes >=
    config.maxSizePerMessage, 'maxInflightBytes must not be below maxSizePerMessage');
  // Without the check a leader that was cut off would serve reads from a lease that the others do not honour.
  require(config.readOnly !== 'lease-based' || config.checkQuorum, 'lease-based reads need checkQuorum');
}

function require(condition: boolean, text: string): void {
  if (!condition) throw new CodedError('CONFIG_INVALID', `raft: ${text}`);
}
