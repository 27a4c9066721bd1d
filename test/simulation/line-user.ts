/** Somebody who types lines at whichever node: no session, no numbers, so a line that is not answered is unknown, and is not repeated. */
import { ConnectionContext } from '../../src/gateway/connections/context.ts';
import type { Reply } from '../../src/protocol/requests.ts';
import type { Records } from './records.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { World } from './world.ts';

/** A node answers in less, if only to say that it does not know. */
const PATIENCE_MS = 8_000;
const PASSWORD = 'secret';

export class LineUser {
  readonly name: string;
  readonly #world: World;
  readonly #records: Records;
  /** The connection with each life of a node. */
  readonly #contexts = new WeakMap<SimulatedNode, ConnectionContext>();
  #sent = 0;

  constructor(name: string, world: World, records: Records) {
    this.name = name;
    this.#world = world;
    this.#records = records;
  }

  /** Logs in first where that is needed; then the line is one for the next time. */
  send(node: SimulatedNode, to: string): void {
    const { service } = node;
    if (service === null) return;
    const context = this.#contexts.get(node) ?? new ConnectionContext(null, null);
    this.#contexts.set(node, context);
    this.#world.after(0, 'client', node.host, () => {
      if (context.identity === null) void this.#logIn(node, context);
      else this.#say(node, context, to);
    });
  }

  async #logIn({ service }: SimulatedNode, context: ConnectionContext): Promise<void> {
    for (const op of ['register', 'login'] as const) {
      const told = this.#records.answers.ask(this.name, op);
      await service?.execute(context, { op, user: this.name, password: PASSWORD }, null).then(told);
    }
  }

  #say({ service }: SimulatedNode, context: ConnectionContext, to: string): void {
    const n = ++this.#sent;
    const text = `${this.name} ${n}`;
    let answered = false;
    const told = this.#records.answers.ask(this.name, 'send');
    const answer = (reply: Reply): void => {
      if (answered) return;
      answered = true;
      patience.cancel();
      told(reply);
      if (reply.kind !== 'receipt') this.#records.answer(this.name, n, to, reply);
      else if (reply.value.op === 'send')
        this.#records.answer(this.name, n, to, { kind: 'receipt', value: reply.value });
    };
    const patience = this.#world.after(PATIENCE_MS, 'client', null, () =>
      answer({ kind: 'unknown', text: 'no answer' }),
    );
    this.#records.invoke(this.name, n, to, text);
    void service?.execute(context, { op: 'send', to, text }, null).then(answer);
  }
}
