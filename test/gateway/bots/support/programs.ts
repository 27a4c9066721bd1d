/** What tests of programs share: one reader of server-sent events, and one place that webhooks are sent to. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SentEvent {
  readonly id: string | null;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Waits on conditions: whatever comes wakes whoever waits. */
class Waiting {
  #wake: (() => void)[] = [];

  async until<Found>(look: () => Found | undefined): Promise<Found> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  wake(): void {
    for (const resolve of this.#wake.splice(0)) resolve();
  }
}

export class EventReader {
  readonly events: SentEvent[] = [];
  readonly status: number;
  ended = false;
  readonly #waiting = new Waiting();
  readonly #abort: AbortController;

  private constructor(response: Response, abort: AbortController) {
    this.status = response.status;
    this.#abort = abort;
    void this.#read(response);
  }

  static async open(
    node: { readonly httpPort: number },
    token: string,
    {
      lastEventId,
      ...query
    }: { readonly lastEventId?: string; readonly after?: string; readonly watch?: boolean } = {},
  ): Promise<EventReader> {
    const abort = new AbortController();
    const search = new URLSearchParams(
      Object.entries(query).map(([key, value]): [string, string] => [key, String(value)]),
    );
    const response = await fetch(`http://127.0.0.1:${node.httpPort}/api/v1/events?${search}`, {
      signal: abort.signal,
      headers: {
        authorization: `Bearer ${token}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
    });
    return new EventReader(response, abort);
  }

  next(name: string, matches: (event: SentEvent) => boolean = () => true): Promise<SentEvent> {
    return this.#waiting.until(() => {
      const found = this.events.find((event) => event.name === name && matches(event));
      if (found === undefined && this.ended) throw new Error(`ended without ${name}`);
      return found;
    });
  }

  async end(): Promise<void> {
    await this.#waiting.until(() => (this.ended ? true : undefined));
  }

  texts(): readonly unknown[] {
    return this.events.filter(({ name }) => name === 'message').map(({ data }) => data.text);
  }

  /** What an `EventSource` would show. */
  get lastEventId(): string {
    return this.events.findLast(({ id }) => id !== null)?.id ?? '';
  }

  close(): void {
    this.#abort.abort();
  }

  async #read(response: Response): Promise<void> {
    const decoder = new TextDecoder();
    let text = '';
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
        this.#waiting.wake();
      }
    } catch {
      // The node is gone, or the test has seen enough.
    }
    this.ended = true;
    this.#waiting.wake();
  }

  #take(block: string): void {
    const fields = new Map(
      block.split('\n').map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trimStart()] as const;
      }),
    );
    const data = fields.get('data');
    if (data === undefined) return;
    this.events.push({
      id: fields.get('id') ?? null,
      name: fields.get('event') ?? '',
      data: JSON.parse(data),
    });
  }
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly text: unknown;
}

/** A program that takes webhooks; `answer` says how. */
export class Receiver {
  readonly received: Received[] = [];
  answer: (request: Received) => number = () => 204;
  readonly #server: Server;
  readonly #waiting = new Waiting();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(): Promise<Receiver> {
    const server = createServer();
    const receiver = new Receiver(server);
    server.on('request', async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const value: { data?: { text?: unknown } } = JSON.parse(body);
      const received = { headers: request.headers, body, text: value.data?.text };
      receiver.received.push(received);
      response.writeHead(receiver.answer(received), { location: '/elsewhere' }).end('ok');
      receiver.#waiting.wake();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  async count(atLeast: number): Promise<readonly Received[]> {
    await this.#waiting.until(() => (this.received.length >= atLeast ? true : undefined));
    return this.received;
  }

  async next(text: string): Promise<void> {
    await this.#waiting.until(() => (this.texts().includes(text) ? true : undefined));
  }

  texts(): readonly unknown[] {
    return this.received.map(({ text }) => text);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
