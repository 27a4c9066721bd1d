/** `~` at the beginning of a path, as a shell reads it: no shell has seen what is typed into this program. */
import { homedir } from 'node:os';
import { join } from 'node:path';

export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
