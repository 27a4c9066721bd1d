/** Which events are told as they come, without an order among the messages. */
import type { NativeEvent, Welcome } from '../protocol/native.ts';
import type { ClientEvent } from './types.ts';

const moments: ReadonlySet<string> = new Set(['group', 'delivered', 'read', 'presence', 'typing']);

export function isOfTheMoment(
  frame: NativeEvent | Welcome,
): frame is Exclude<ClientEvent, { readonly ev: 'amended' }> {
  return moments.has(frame.ev);
}
