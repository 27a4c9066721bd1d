/** Names of the files of the log directory. */
export const SEAL_NAME = 'seal';

const NAME = /^\d{16}\.log$/;

export function segmentName(number: number): string {
  return `${String(number).padStart(16, '0')}.log`;
}

/** The segment's number, or null when the file is none. */
export function segmentNumber(name: string): number | null {
  return NAME.test(name) ? Number(name.slice(0, 16)) : null;
}
