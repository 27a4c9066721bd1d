/** Two of the three outcomes, as replies; the third comes from the engine. */
import { type ErrorCode, errorTable } from '../base/errors.ts';
import type { Reply, Success } from '../protocol/requests.ts';

export function receipt(value: Success): Reply {
  return { kind: 'receipt', value };
}

export function rejection(code: ErrorCode, text: string = errorTable[code].text): Reply {
  return { kind: 'rejection', code, text };
}

export function refused(code: ErrorCode): Promise<Reply> {
  return Promise.resolve(rejection(code));
}
