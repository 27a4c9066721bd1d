/** Calls of what an OpenAPI document describes, by the names of its operations; every answer is held against the document. */
import { Ajv2020 } from 'ajv/dist/2020.js';

export interface MediaType {
  readonly schema: object;
}

export interface DocumentedOperation {
  readonly operationId: string;
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, MediaType>> }>>;
}

export interface ApiDocument {
  readonly openapi: string;
  readonly components: object;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
}

export interface Place {
  readonly method: string;
  readonly path: string;
  readonly operation: DocumentedOperation;
}

export interface Ask {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  /** An object is sent as JSON. */
  readonly body?: Uint8Array | object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Told what has come of the body each time that more of it has. */
  readonly onMore?: (text: string) => Promise<void>;
}

export interface Got {
  readonly status: number;
  readonly headers: Headers;
  /** Of JSON; otherwise empty. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
}

/** Whether nobody gets an answer who shows nothing. */
export function needsLogin({ security }: DocumentedOperation): boolean {
  return security === undefined || !(security.length === 0 || security.some((way) => isEmpty(way)));
}

function isEmpty(way: object): boolean {
  return Object.keys(way).length === 0;
}

export class DocumentedApi {
  readonly operations: ReadonlyMap<string, Place>;
  /** Operations that were answered as asked, at least once. */
  readonly exercised = new Set<string>();
  readonly #components: object;
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });

  constructor(document: ApiDocument) {
    const places = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        method: method.toUpperCase(),
        path,
        operation,
      })),
    );
    this.#components = document.components;
    this.operations = new Map(places.map((place) => [place.operation.operationId, place]));
  }

  /** Rejects when the answer is none that is documented. */
  async call(origin: string, operationId: string, ask: Ask = {}): Promise<Got> {
    const place = this.operations.get(operationId);
    if (place === undefined) throw new Error(`${operationId} is not documented`);
    const { params = {}, query = {}, body, headers = {} } = ask;
    const path = place.path.replace(/\{(\w+)\}/g, (_whole, name: string) =>
      encodeURIComponent(String(params[name] ?? '')),
    );
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const isBytes = body instanceof Uint8Array;
    const type = isBytes ? 'application/octet-stream' : 'application/json';
    const response = await fetch(`${origin}${path}?${search}`, {
      method: place.method,
      headers: { ...(body === undefined ? {} : { 'content-type': type }), ...headers },
      ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
    });
    const bytes = await readBody(response, ask.onMore);
    const got = { status: response.status, headers: response.headers, json: jsonOf(response, bytes), bytes };
    this.#check(place, got);
    if (response.ok) this.exercised.add(operationId);
    return got;
  }

  #check({ operation }: Place, { status, headers, json, bytes }: Got): void {
    const what = `${operation.operationId} → ${status}`;
    const answer = operation.responses[String(status)];
    if (answer === undefined) throw new Error(`${what} ${JSON.stringify(json)} is not documented`);
    const [type = ''] = headers.get('content-type')?.split(';') ?? [];
    const { content } = answer;
    if (content === undefined) {
      if (bytes.length > 0) throw new Error(`${what} has a body, and none is documented`);
      return;
    }
    const media = content[type] ?? content['*/*'];
    if (media === undefined) throw new Error(`${what}: ${type} is not documented`);
    if (!type.endsWith('json') || type.endsWith('x-ndjson')) return;
    const validate = this.#ajv.compile({ ...media.schema, components: this.#components });
    if (!validate(json))
      throw new Error(`${what}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(json)}`);
  }
}

async function readBody(response: Response, onMore?: (text: string) => Promise<void>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body ?? []) {
    pieces.push(piece);
    await onMore?.(Buffer.concat(pieces).toString());
  }
  return new Uint8Array(Buffer.concat(pieces));
}

function jsonOf(response: Response, bytes: Uint8Array): Got['json'] {
  const type = response.headers.get('content-type') ?? '';
  if (!/^application\/(problem\+)?json/.test(type)) return {};
  return JSON.parse(Buffer.from(bytes).toString()) as Got['json'];
}

/** The document, as a node gives it. */
export async function readDocument(origin: string): Promise<ApiDocument> {
  const response = await fetch(`${origin}/api/openapi.json`);
  return (await response.json()) as ApiDocument;
}
