import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Every form in which a hexadecimal secret could have been written down by mistake. */
function formsOf(secret: string): Buffer[] {
  const raw = Buffer.from(secret, 'hex');
  return [
    Buffer.from(secret),
    Buffer.from(secret.toUpperCase()),
    raw,
    Buffer.from(raw.toString('base64url')),
    Buffer.from(Buffer.from(secret).toString('base64url')),
  ];
}

/** Files below `root` that hold one of the secrets (hexadecimal texts) in some form, as `file: which secret`. */
export async function findCanaries(root: string, secrets: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    secrets.forEach((secret, at) => {
      if (formsOf(secret).some((form) => bytes.includes(form))) found.push(`${path}: secret ${at}`);
    });
  }
  return found;
}
