/** What one does with groups. Each outcome is the dialog's to show. */
import type { Client } from '../../client/client.ts';
import type { GroupRequest } from '../../protocol/group-requests.ts';
import type { GroupEntry, MemberEntry, Reply } from '../../protocol/requests.ts';
import type { Reader } from './reader.ts';

export class Groups {
  readonly #client: Client;
  readonly #reader: Reader;

  constructor(client: Client, reader: Reader) {
    this.#client = client;
    this.#reader = reader;
  }

  async list(): Promise<readonly GroupEntry[]> {
    const outcome = await this.#client.groups();
    return outcome.kind === 'receipt' ? outcome.value.groups : [];
  }

  async members(group: string): Promise<readonly MemberEntry[]> {
    const outcome = await this.#client.members(group);
    return outcome.kind === 'receipt' ? outcome.value.members : [];
  }

  /** The list of conversations follows. */
  async change(request: GroupRequest): Promise<Reply> {
    const reply = await this.#client.request(request);
    if (reply.kind === 'receipt') await this.#reader.list();
    return reply;
  }
}
