/** HTTP as a program or a page speaks it. */
export interface Shown {
  readonly token?: string;
  readonly cookie?: string;
  readonly csrfToken?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** Of a body of JSON; null for none. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

export async function call(
  node: { readonly httpPort: number },
  method: string,
  path: string,
  body?: unknown,
  { token, cookie, csrfToken, headers = {} }: Shown = {},
): Promise<Answered> {
  const response = await fetch(`http://127.0.0.1:${node.httpPort}/api/v1${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(csrfToken === undefined ? {} : { 'x-csrf-token': csrfToken }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true;
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : null };
}

/** What a browser would send back; null when nothing was set. */
export function cookieOf({ headers }: Pick<Answered, 'headers'>): string | null {
  return headers.get('set-cookie')?.split(';')[0] ?? null;
}

export function textOf(answered: Answered, field: string): string {
  const value = answered.body?.[field];
  if (typeof value !== 'string') throw new Error(`no ${field} in ${JSON.stringify(answered.body)}`);
  return value;
}

/** Registers somebody and logs in: the token. */
export async function join(node: { readonly httpPort: number }, user: string): Promise<string> {
  await call(node, 'POST', '/accounts', { user, password: 'pw' });
  return textOf(await call(node, 'POST', '/sessions', { user, password: 'pw' }), 'token');
}
