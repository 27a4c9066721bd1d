/** A message as answers show it, and where one came to stand. */
import { Type } from '@sinclair/typebox';
import { limits } from '../../base/limits.ts';
import { closed, sequence, time } from '../http/schemas.ts';

const file = closed({
  id: Type.Integer({ description: 'For `/api/v1/files/{id}`.' }),
  name: Type.String({ description: 'As the sender wished.' }),
  type: Type.String(),
  bytes: Type.Integer(),
  manifest: Type.String(),
});

const reactions = Type.Array(closed({ reaction: Type.String(), users: Type.Array(Type.String()) }));

export const messageEntry = closed({
  conversation: Type.String(),
  sequence,
  index: Type.Integer({ description: 'Place in the log: orders messages of different conversations.' }),
  from: Type.String(),
  to: Type.String({ description: 'A user’s name, `#` and a group’s, or `#lobby`.' }),
  number: Type.Integer({
    description: 'Counts all that its sender has sent; 0 for a message older than that count.',
  }),
  replyTo: Type.Optional(sequence),
  text: Type.String(),
  file: Type.Optional(file),
  via: Type.Optional(Type.String({ description: 'Name of the webhook that it came in by.' })),
  sentMs: time,
  editedMs: Type.Optional(time),
  deleted: Type.Optional(Type.Literal(true)),
  reactions: Type.Optional(reactions),
  revision: Type.Optional(Type.Integer({ description: 'Of its newest amendment.' })),
});

export const messages = closed({ messages: Type.Array(messageEntry) });

export const sentValue = closed({
  to: Type.String(),
  online: Type.Boolean({ description: 'Whether the receiver was online anywhere when the answer was made.' }),
  conversation: Type.String(),
  sequence,
  index: Type.Integer(),
  number: Type.Integer(),
  sentMs: time,
});

const place = {
  conversation: Type.String(),
  sequence,
  revision: Type.Integer({ description: 'Counts the amendments of a conversation.' }),
  index: Type.Integer(),
};
export const amendedValue = closed(place);
/** All of what changed, not the difference: one of the last four. */
export const amendedEntry = closed({
  ...place,
  by: Type.String(),
  amendedMs: time,
  text: Type.Optional(Type.String()),
  editedMs: Type.Optional(time),
  deleted: Type.Optional(Type.Literal(true)),
  reactions: Type.Optional(reactions),
});

export const text = Type.String({ description: `At most ${limits.messageBytes} bytes of UTF-8.` });
