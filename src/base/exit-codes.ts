import type { ErrorCode } from './errors.ts';

/** Exit codes of a node and of `npm start`, after sysexits(3) of BSD. 74 means: the disk failed, start again, recover. */
export const EXIT_SOFTWARE = 70;
export const EXIT_DAMAGED = 65;
export const EXIT_DISK_FAILED = 74;
/** Of none of the kinds of sysexits(3): the node did as it was told. To be started again only with an empty directory. */
export const EXIT_REMOVED = 79;

const byCode: Partial<Record<ErrorCode, number>> = {
  USAGE: 64,
  DATA_DAMAGED: EXIT_DAMAGED,
  DATA_NEWER: 65,
  BACKUP_INVALID: 65,
  PORT_IN_USE: 69,
  DISK_FAILED: EXIT_DISK_FAILED,
  DATA_LOCKED: 75,
  KEY_MISSING: 77,
  KEY_WRONG: 77,
  CONFIG_INVALID: 78,
  PROFILE_UNSUPPORTED: 78,
  TLS_INVALID: 78,
  DATA_FOREIGN: 78,
  MEMBER_REMOVED: EXIT_REMOVED,
};

/** The exit code of a program that ends because of an error of this code. */
export function exitCodeFor(code: ErrorCode): number {
  return byCode[code] ?? EXIT_SOFTWARE;
}
