/** Pure: figures as people read them. */
const bytesPerUnit = 1_024;
const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytesText(bytes: number, language: string): string {
  let value = bytes;
  let at = 0;
  while (value >= bytesPerUnit && at < units.length - 1) {
    value /= bytesPerUnit;
    at += 1;
  }
  return `${numberText(value, language, value < 10 && at > 0 ? 1 : 0)} ${units[at] ?? ''}`;
}

export function numberText(value: number, language: string, digits = 0): string {
  return value.toLocaleString(language, { maximumFractionDigits: digits });
}

export function secondsText(ms: number, language: string): string {
  return `${(ms / 1_000).toLocaleString(language, { maximumSignificantDigits: ms < 10 ? 1 : 2 })} s`;
}

/** In its largest unit: how long a node has been up. */
export function spanText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export function clockText(ms: number, language: string): string {
  return new Date(ms).toLocaleTimeString(language, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
  });
}
