import type { Cast } from '../../../scripts/support/drill/cast.ts';
import type { Recorder } from '../../../scripts/support/drill/recorder.ts';
import type { Client } from '../../../src/client/index.ts';

const newest = 50;

/**
 * Reads the newest messages of a conversation until `count` reads were answered, each as a reader of its own: the oracle then says
 * whether one of them missed what had been acknowledged before it began. Refused reads do not count.
 */
export async function scan(
  recorder: Recorder,
  member: Cast['members'][number],
  client: Client,
  name: string,
  count: number,
): Promise<void> {
  for (let answered = 0, tries = 0; answered < count; tries++) {
    const conversation = recorder.conversationOf(member.name);
    if (conversation === undefined) throw new Error(`${member.name} has no conversation yet`);
    const reader = `${name}, scan ${tries}`;
    recorder.begin(reader, conversation);
    const reply = await client.history(member.partner, { limit: newest });
    if (reply.kind !== 'receipt') continue;
    for (const message of reply.value.messages) recorder.read(reader, message);
    recorder.complete(reader, conversation);
    answered++;
  }
}
