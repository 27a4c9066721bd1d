/** What opens a backup: a key file, or a passphrase. The cluster key is neither, so that a backup outlives the cluster that made it. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import argon2 from 'argon2';
import { CodedError } from '../base/errors.ts';
import { createKeyFile, readKeyFile } from '../replication/transport/key-file.ts';
import { type EnvelopeHead, type FindSecret, SALT_BYTES, type Stretching } from './envelope.ts';
import { invalidBackup } from './records.ts';

const what = 'the backup key';
/** Half a second and 256 MiB a guess: a passphrase is for years, and whoever has the file may guess without end. */
const stretching: Stretching = { memoryKib: 256 * 1_024, passes: 4, lanes: 1 };
const leastPassphraseChars = 12;

/** Where the operator keeps it. */
export type SecretPlace =
  | { readonly kind: 'key'; readonly path: string }
  /** The first line of a file. */
  | { readonly kind: 'passphrase'; readonly path: string };

/** For a new backup. `made`: the key file was not there before. Rejects with KEY_WRONG, KEY_MISSING or WEAK_PASSWORD. */
export async function newSecret(
  place: SecretPlace,
): Promise<{ readonly head: EnvelopeHead; readonly find: FindSecret; readonly made: boolean }> {
  const salt = randomBytes(SALT_BYTES);
  if (place.kind === 'passphrase') {
    const passphrase = await readPassphrase(place.path);
    if (passphrase.length < leastPassphraseChars) {
      throw new CodedError('WEAK_PASSWORD', `A passphrase has at least ${leastPassphraseChars} characters.`);
    }
    const head: EnvelopeHead = { source: { kind: 'passphrase', stretching }, salt };
    // Now, and not while a node waits for its bytes to be taken.
    const secret = await stretched(passphrase, head);
    return { head, find: async () => secret, made: false };
  }
  const made = (await readKeyFile(place.path, what)) === null;
  if (made) await createKeyFile(place.path, what);
  return { head: { source: { kind: 'key' }, salt }, find: knownSecret(place), made };
}

/** For one that is there. */
export function knownSecret(place: SecretPlace): FindSecret {
  return async (head) => {
    if (head.source.kind !== place.kind) {
      const text =
        head.source.kind === 'passphrase'
          ? 'It was made with a passphrase: give --passphrase-file.'
          : 'It was made with a key file: give --backup-key.';
      throw new CodedError('KEY_WRONG', text);
    }
    if (place.kind === 'passphrase') return await stretched(await readPassphrase(place.path), head);
    const key = await readKeyFile(place.path, what);
    if (key !== null) return key;
    throw new CodedError(
      'KEY_MISSING',
      `${what} ${place.path} is missing: name it with --backup-key. Without it nobody can read the backup.`,
    );
  };
}

async function stretched(passphrase: string, { source, salt }: EnvelopeHead): Promise<Uint8Array> {
  if (source.kind !== 'passphrase') throw new CodedError('INTERNAL');
  const { memoryKib: memoryCost, passes: timeCost, lanes: parallelism } = source.stretching;
  try {
    return await argon2.hash(passphrase, {
      raw: true,
      type: argon2.argon2id,
      hashLength: 32,
      salt: Buffer.from(salt),
      memoryCost,
      timeCost,
      parallelism,
    });
  } catch (error) {
    throw invalidBackup('its head was changed', error);
  }
}

async function readPassphrase(path: string): Promise<string> {
  try {
    const [first = ''] = (await readFile(path, 'utf8')).split('\n');
    return first.replace(/\r$/, '').normalize('NFKC');
  } catch (error) {
    throw new CodedError('USAGE', `the passphrase file ${path} cannot be read`, { cause: error });
  }
}
