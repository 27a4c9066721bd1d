/**
 * The process that runs argon2: its threads compete with nobody's fsync. Passwords come over the IPC channel only and leave as
 * hashes; nothing is printed. It ends with its parent.
 */
import argon2 from 'argon2';
import { type HashAnswer, type HashQuestion, hashOptions } from './hasher-messages.ts';

/** Stands in for the hash of a user that does not exist: same parameters, so the same cost, and nothing matches it. */
const dummy = argon2.hash(crypto.getRandomValues(new Uint8Array(32)).toString(), hashOptions);

async function answer(question: HashQuestion): Promise<HashAnswer> {
  try {
    if (question.kind === 'hash') {
      return { id: question.id, ok: true, value: await argon2.hash(question.password, hashOptions) };
    }
    const known = question.hash !== null;
    const matches = await argon2.verify(question.hash ?? (await dummy), question.password);
    return { id: question.id, ok: true, value: known && matches };
  } catch {
    // The cause may quote its input, so it is not passed on.
    return { id: question.id, ok: false };
  }
}

/** A parent that is gone, perhaps while this process was still starting, is no error: it is the end. */
function tell(reply: HashAnswer): void {
  process.send?.(reply, (error: Error | null) => {
    if (error !== null) process.exit(0);
  });
}

process.on('disconnect', () => process.exit(0));
process.on('message', (question: HashQuestion) => {
  void answer(question).then(tell);
});
tell({ id: null });
// A terminal's Ctrl-C reaches the whole group; the parent still needs this process until it disconnects.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
