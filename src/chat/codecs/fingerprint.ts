/**
 * A short stand-in for a request's body, kept with its receipt: tells a retry from a request number used twice. 53 bits, not
 * cryptographic: a client that works out a collision fools only itself.
 */
import { unreachable } from '../../base/assert.ts';
import type { AmendmentCommand } from '../vocabulary/amendment-types.ts';
import type { FileDescription } from '../vocabulary/file-types.ts';
import type { GroupCommand } from '../vocabulary/group-types.ts';
import type { Command, MessageBody } from '../vocabulary/types.ts';

/**
 * Over everything a client said, without what the gateway made of it: password hashes are salted afresh by each attempt,
 * and a credential may have been replaced between two of them.
 */
export function fingerprintCommand(command: Command): number {
  switch (command.kind) {
    case 'register':
      return fingerprintTexts('register', command.name, ...extrasOf(command));
    case 'login':
      return command.previous === undefined
        ? fingerprintTexts('login', String(command.account))
        : fingerprintTexts('login', String(command.account), command.previous.session);
    case 'enter-guest':
      return fingerprintTexts('enter-guest', command.name);
    case 'logout':
      return fingerprintTexts('logout');
    case 'delete-account':
      return fingerprintTexts('delete-account', command.name);
    case 'send':
      return fingerprintSend(command);
    case 'lease-upload':
      return fingerprintTexts('lease-upload', command.manifest);
    case 'cancel-upload':
      return fingerprintTexts('cancel-upload', command.manifest);
    case 'send-file':
      return fingerprintTexts('send-file', command.to, ...fileTexts(command.file), String(command.replyTo));
    case 'create-group':
    case 'announce-group':
    case 'join-group':
    case 'leave-group':
    case 'visit-group':
    case 'set-group-listener':
    case 'rename-group':
    case 'set-group-password':
    case 'remove-member':
    case 'transfer-group':
    case 'delete-group':
      return fingerprintTexts(command.kind, command.name, ...groupTexts(command));
    case 'edit-message':
    case 'delete-message':
    case 'react':
      return fingerprintAmendment(command);
    case 'set-group-retention':
      return fingerprintTexts(command.kind, command.name, String(command.ageMs));
    case 'advance-cursors':
      return fingerprintTexts(
        command.kind,
        ...command.cursors.map((c) => `${c.account} ${c.conversation} ${c.delivered} ${c.read}`),
      );
    case 'acknowledge':
      return fingerprintTexts(
        command.kind,
        ...command.messages.map((m) => `${m.account} ${m.conversation} ${m.sequence}`),
        ...command.receipts.map((r) => `${r.account} ${r.number}`),
      );
    case 'change-password':
      return fingerprintTexts('change-password');
    case 'set-profile':
      return fingerprintTexts('set-profile', shown(command.displayName), shown(command.email));
    case 'create-token':
      return fingerprintTexts(
        command.kind,
        command.name,
        command.hash,
        command.scopes.join(' '),
        String(command.lifetimeMs),
      );
    case 'revoke-token':
      return fingerprintTexts(command.kind, String(command.token));
    case 'enter-token':
      return fingerprintTexts(command.kind, command.hash);
    case 'derive-session':
      return fingerprintTexts('derive-session', command.session);
    case 'create-hook':
      return fingerprintTexts(command.kind, command.to, command.name, shown(command.url));
    case 'remove-hook':
    case 'resume-hook':
      return fingerprintTexts(command.kind, String(command.hook));
    case 'post-to-hook':
      return fingerprintTexts(command.kind, String(command.hook), command.text);
    case 'note-hooks':
    case 'note-token-uses':
    case 'retain':
    case 'import':
    case 'set-role':
    case 'note-action':
    case 'note-outcome':
    case 'rehash':
    case 'renew-guests':
    case 'register-bearer':
    case 'note-attempts':
    case 'create-invitation':
      // Never numbered: each handler refuses a session.
      return fingerprintTexts(command.kind);
    default:
      unreachable(command);
  }
}

/** Nothing for a registration with a name and a password only. */
function extrasOf(command: Extract<Command, { kind: 'register' }>): readonly string[] {
  const { displayName, email, invitation } = command;
  if ((displayName ?? email ?? invitation) === undefined) return [];
  return [shown(displayName), shown(email), shown(invitation)];
}

/** Absent, taken away and given are three things. */
function shown(text: string | null | undefined): string {
  if (text === undefined) return '';
  return text === null ? '-' : `+${text}`;
}

function groupTexts(command: GroupCommand): readonly string[] {
  switch (command.kind) {
    case 'create-group':
    case 'set-group-password':
      return [command.passwordHash === null ? 'open' : 'closed'];
    case 'announce-group':
      return [command.address.host, String(command.address.port)];
    case 'join-group':
      return [command.create ? 'or create' : 'join'];
    case 'rename-group':
      return [command.newName];
    case 'remove-member':
      return [command.member];
    case 'transfer-group':
      return [command.owner];
    case 'visit-group':
      return [command.entering ? 'in' : 'out'];
    case 'set-group-listener':
      return [String(command.port ?? 0)];
    case 'leave-group':
    case 'delete-group':
      return [];
    default:
      unreachable(command);
  }
}

/** Without what the gateway found in the record: a later attempt may not find it any more. */
function fingerprintAmendment(command: AmendmentCommand): number {
  const { conversation, sequence } = command.message;
  const place = [command.kind, conversation, String(sequence)];
  switch (command.kind) {
    case 'edit-message':
      return fingerprintTexts(...place, command.text);
    case 'delete-message':
      return fingerprintTexts(...place);
    case 'react':
      return fingerprintTexts(...place, command.reaction, command.present ? 'given' : 'taken back');
    default:
      unreachable(command);
  }
}

function fingerprintSend({ to, body, replyTo, wantsReceipt }: Extract<Command, { kind: 'send' }>): number {
  const texts = ['send', to, ...textsOf(body)];
  if (replyTo !== null) texts.push(`answers ${replyTo}`);
  if (wantsReceipt) texts.push('receipt');
  return fingerprintTexts(...texts);
}

function textsOf(body: MessageBody): readonly string[] {
  switch (body.kind) {
    case 'text':
      return [body.text];
    case 'file':
      return fileTexts(body.file);
    default:
      unreachable(body);
  }
}

function fileTexts({ name, type, bytes, manifest }: FileDescription): readonly string[] {
  return [name, type, String(bytes), manifest];
}

/** The order and the boundaries of the texts count: a unit that no text holds is mixed in after each. */
export function fingerprintTexts(...texts: readonly string[]): number {
  const lanes = new Lanes();
  for (const text of texts) {
    for (let at = 0; at < text.length; at++) lanes.mix(text.charCodeAt(at));
    lanes.mix(0x10000);
  }
  return lanes.finish();
}

/** Continues `before` over a key and its value. */
export function fingerprintRow(before: number, key: string, value: Uint8Array): number {
  const lanes = new Lanes();
  lanes.mix(before >>> 0);
  lanes.mix(Math.floor(before / 2 ** 32));
  for (let at = 0; at < key.length; at++) lanes.mix(key.charCodeAt(at));
  lanes.mix(0x10000);
  for (const byte of value) lanes.mix(byte);
  return lanes.finish();
}

/**
 * Two 32-bit lanes that multiply by different odd constants. For a given input each step is a permutation of its lane, so two
 * inputs that differ in one place never meet again by that alone.
 */
class Lanes {
  #low = 0x2545f491;
  #high = 0x6c078965;

  mix(unit: number): void {
    this.#low = Math.imul(this.#low ^ unit, 0x85ebca6b);
    this.#low ^= this.#low >>> 15;
    this.#high = Math.imul(this.#high ^ unit, 0xc2b2ae35);
    this.#high ^= this.#high >>> 13;
  }

  /** A non-negative integer of 53 bits; each lane takes in the other's upper half, so that all bits count. */
  finish(): number {
    const low = Math.imul(this.#low ^ (this.#high >>> 16), 0x9e3779b1) >>> 0;
    const high = Math.imul(this.#high ^ (this.#low >>> 15), 0x27d4eb2f) >>> 11;
    return high * 2 ** 32 + low;
  }
}
