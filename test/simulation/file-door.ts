/** What the routes for files do, without a socket: who asks is proven, the program's own uploads and downloads answer, errors become answers. */
import { CodedError, type ErrorCode, errorTable } from '../../src/base/errors.ts';
import type { HttpAnswer, HttpRequest } from '../../src/client/ports.ts';
import type { Downloads } from '../../src/gateway/files/downloads.ts';
import type { Uploads } from '../../src/gateway/files/uploads.ts';
import type { HttpSessions } from '../../src/gateway/http/http-session.ts';

export interface FileDoorOptions {
  readonly uploads: Uploads;
  readonly downloads: Downloads;
  readonly sessions: HttpSessions;
  /** The program is wrong. */
  readonly onFault: (error: unknown) => void;
}

const BEARER = /^Bearer ([0-9a-f]+)\.([0-9a-f]+)$/;
const CHUNK = /^\/api\/v1\/files\/uploads\/([0-9a-f]{64})\/chunks\/(\d+)$/;
const FILE = /^\/api\/v1\/files\/(\d+)(\/manifest)?$/;
const RANGE = /^bytes=(\d+)-(\d+)$/;
const nothing = new Uint8Array();

export class FileDoor {
  readonly #options: FileDoorOptions;

  constructor(options: FileDoorOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async answer(request: HttpRequest): Promise<HttpAnswer> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof CodedError) return problem(error.code, error.message);
      this.#options.onFault(error);
      return problem('INTERNAL', errorTable.INTERNAL.text);
    }
  }

  async #answer({ method, path, headers, body = nothing }: HttpRequest): Promise<HttpAnswer> {
    const { uploads, sessions } = this.#options;
    const [, session = '', secret = ''] = BEARER.exec(headers.authorization ?? '') ?? [];
    const { identity } = await sessions.authenticate({ kind: 'session', session, secret, via: 'bearer' });
    if (method === 'POST') return json(await uploads.begin(identity.account, body));
    if (method === 'GET') return await this.#download(identity.account, path, headers.range);
    const [, manifest = '', place = ''] = CHUNK.exec(path) ?? [];
    await uploads.put(identity.account, manifest, Number(place), body);
    return { status: 204, body: nothing };
  }

  async #download(account: number, path: string, range = ''): Promise<HttpAnswer> {
    const { downloads } = this.#options;
    const [, id = '', ofManifest] = FILE.exec(path) ?? [];
    const file = await downloads.describe(account, Number(id));
    if (ofManifest !== undefined) return { status: 200, body: await downloads.manifest(file) };
    const [, from = '', last = ''] = RANGE.exec(range) ?? [];
    const pieces: Uint8Array[] = [];
    for await (const piece of downloads.range(file, Number(from), Number(last) + 1)) pieces.push(piece);
    return { status: 206, body: Buffer.concat(pieces) };
  }
}

function json(value: object): HttpAnswer {
  return { status: 200, body: Buffer.from(JSON.stringify(value)) };
}

function problem(code: ErrorCode, detail: string): HttpAnswer {
  return { status: errorTable[code].http, body: Buffer.from(JSON.stringify({ code, detail })) };
}
