/** Messages and conversations as tests need them. */
import type { ConversationEntry, MessageEntry } from '../../../src/protocol/requests.ts';
import type { OutboxEntry } from '../../../src/web/model/outbox.ts';

export function message(change: Partial<MessageEntry> = {}): MessageEntry {
  const sequence = change.sequence ?? 1;
  return {
    conversation: 'd:1:2',
    sequence,
    index: 100 + sequence,
    from: 'bob',
    to: 'ann',
    number: sequence,
    text: `text ${sequence}`,
    sentMs: 1_764_000_000_000 + 1_000 * sequence,
    ...change,
  };
}

export function entry(change: Partial<ConversationEntry> = {}): ConversationEntry {
  return {
    conversation: 'd:1:2',
    kind: 'direct',
    name: 'bob',
    lastSequence: 3,
    lastIndex: 103,
    delivered: 3,
    read: 1,
    unread: 2,
    others: { delivered: 3, read: 2 },
    ...change,
  };
}

export function open(change: Partial<OutboxEntry> = {}): OutboxEntry {
  return {
    key: 'k1',
    to: 'bob',
    body: { kind: 'text', text: 'hi', replyTo: null },
    madeMs: 1_764_000_000_000,
    number: null,
    state: { kind: 'waiting' },
    claimed: null,
    ...change,
  };
}
