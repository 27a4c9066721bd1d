import { createHash } from 'node:crypto';

/** In the form of version 4, from a name of some source: importing it a second time finds what the first time made. */
export function uuidFor(source: string, name: string): string {
  const hex = createHash('sha256').update(`${source} ${name}`).digest('hex');
  const [first, second, third] = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(13, 16)];
  return [first, second, `4${third}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join('-');
}
