/** How the page reaches a node, as far as what is pure knows of it. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Said {
  readonly status: number;
  readonly value: unknown;
}

export interface Caller {
  /** Null: nothing came. */
  get(place: Place, path: string): Promise<Said | null>;
  post(place: Place, path: string, body: unknown): Promise<Said | null>;
}

export function textIn(said: Said | null, key: string): string | null {
  if (said === null || typeof said.value !== 'object' || said.value === null) return null;
  const found: unknown = Reflect.get(said.value, key);
  return typeof found === 'string' ? found : null;
}
