/** Files in words, for readers who know lines only. */

const units = ['B', 'KiB', 'MiB', 'GiB'] as const;

/** `999 B`, `1.5 KiB`, `20 MiB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 1_024 && unit < units.length - 1; unit++) value /= 1_024;
  const digits = unit > 0 && value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** Stands as the text of a message that carries a file. */
export function fileSentence({ name, bytes }: { readonly name: string; readonly bytes: number }): string {
  return `sent a file: ${name} (${formatBytes(bytes)})`;
}
