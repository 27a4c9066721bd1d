/** A team that chats, for pictures: who they are and what they say. */
import { type Client, connect, type FileSource, type Outcome } from '../../../src/client/index.ts';
import type { Success } from '../../../src/protocol/requests.ts';
import type { RealCluster } from '../real-cluster.ts';

export const password = 'a picture of a password';
export const group = 'move';

const names = {
  ann: 'Ann Becker',
  ben: 'Ben Okafor',
  carla: 'Carla Moreno',
  deniz: 'Deniz Yılmaz',
} as const;

export type Person = keyof typeof names;

export class Cast {
  readonly #clients = new Map<Person, Client>();
  /** Of the group, as its messages name it. */
  #conversation = '';

  /** Everybody is registered, logged in and in the group. */
  async enter(cluster: RealCluster): Promise<void> {
    for (const person of Object.keys(names) as Person[]) {
      const client = connect({ nodes: cluster.httpAddresses, giveUpMs: 30_000 });
      this.#clients.set(person, client);
      done(await client.register(person, password, { displayName: names[person] }));
      done(await client.login(person, password));
      done(await client.request({ op: 'join-group', group, create: true }));
    }
  }

  /** What was said before the picture begins. */
  async chat(plan: FileSource): Promise<void> {
    await this.#say('carla', '#lobby', 'Coffee machine on the second floor works again.');
    await this.#say('deniz', 'ann', 'Have you seen the offer for the second rack?');
    const ask = await this.say(
      'ann',
      'Good morning! The three machines are wired. This is where they stand:',
    );
    done(await this.#client('ann').sendFile(`#${group}`, plan));
    await this.say('ben', 'Three of them, for a chat? What happens when somebody trips over a cable?');
    const answer = await this.say('carla', 'Then the other two go on. Try it.', ask + 2);
    await this.#react('ann', answer, '❤');
    await this.#react('deniz', answer, '❤');
    await this.say('deniz', '@ann shall we bring the whole team over on Monday?');
    await this.say('ann', 'Monday it is. I send the invitations this afternoon.');
  }

  /** To the group. Its sequence there. */
  async say(person: Person, text: string, replyTo?: number): Promise<number> {
    return this.#say(person, `#${group}`, text, replyTo);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#clients.values()].map((client) => client.close()));
  }

  async #say(person: Person, to: string, text: string, replyTo?: number): Promise<number> {
    const options = replyTo === undefined ? {} : { replyTo };
    const sent = done(await this.#client(person).send(to, text, options));
    if (to === `#${group}`) this.#conversation = sent.conversation;
    return sent.sequence;
  }

  async #react(person: Person, sequence: number, reaction: string): Promise<void> {
    done(await this.#client(person).react(this.#conversation, sequence, reaction));
  }

  #client(person: Person): Client {
    const client = this.#clients.get(person);
    if (client === undefined) throw new Error(`${person} has not entered`);
    return client;
  }
}

function done<Op extends Success['op']>(outcome: Outcome<Op>) {
  if (outcome.kind !== 'receipt') throw new Error(outcome.text);
  return outcome.value;
}
