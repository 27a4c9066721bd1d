/** The pipe dialect on one connection: lines to requests, replies and pushes to lines. */
import type { Push } from '../../../delivery/ports.ts';
import {
  formatPipePush,
  formatPipeReply,
  parsePipe,
  pipeGoodbye,
  pipeHelp,
  pipeInvited,
} from '../../../protocol/pipe.ts';
import type { PipeOptions } from '../../../protocol/pipe-errors.ts';
import type { ClientRequest } from '../../../protocol/requests.ts';
import { entryOf } from '../../reads/entries.ts';
import type { Desk, Dialect } from './desk.ts';

export class PipeDialect implements Dialect {
  readonly #desk: Desk;
  readonly #options: PipeOptions;

  constructor(desk: Desk, options: PipeOptions) {
    this.#desk = desk;
    this.#options = options;
  }

  format({ message, fromName, toName }: Push): string {
    return `${formatPipePush(entryOf(message, fromName, toName))}\n`;
  }

  async receive(line: string): Promise<void> {
    const desk = this.#desk;
    const parsed = parsePipe(line);
    switch (parsed.kind) {
      case 'help':
        desk.write(pipeHelp());
        return;
      case 'invalid':
        desk.write([parsed.text]);
        return;
      case 'invite':
        desk.context.invitation = parsed.code;
        desk.write([pipeInvited]);
        return;
      case 'quit':
        await desk.logOut();
        desk.write([pipeGoodbye]);
        desk.output.expectEnd();
        return;
      case 'request':
        await this.#answer(parsed.request);
    }
  }

  async #answer(request: ClientRequest): Promise<void> {
    const desk = this.#desk;
    if (request.op === 'history') {
      await desk.writeHistory(request, formatPipePush, (reply) =>
        formatPipeReply(request, reply, this.#options),
      );
      return;
    }
    const reply = await desk.execute(request);
    await desk.writeAll(formatPipeReply(request, reply, this.#options));
    if (reply.kind !== 'receipt') return;
    if (reply.value.op === 'login') desk.startDelivery();
    if (reply.value.op === 'delete') desk.forget();
  }
}
