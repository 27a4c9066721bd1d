/**
 * Requests about groups. A group's password ends here, as a user's does in `authentication.ts`; what else there is to decide, `apply`
 * decides.
 */
import { CodedError } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { groupKey } from '../../chat/accounts/attempts.ts';
import type { Command, Numbering } from '../../chat/vocabulary/types.ts';
import type { ChatView, GroupView } from '../../chat/vocabulary/view.ts';
import type { GroupRequest } from '../../protocol/group-requests.ts';
import type { Reply } from '../../protocol/requests.ts';
import type { AddressLimits } from '../connections/address-limits.ts';
import type { ConnectionContext } from '../connections/context.ts';
import type { Hasher } from '../secrets/hasher.ts';
import { normalisedPassword } from '../secrets/passwords.ts';
import { type Guard, limitedText } from './guard.ts';
import type { Policy } from './policy.ts';
import { refused, registrationLimited, rejection } from './replies.ts';

export interface GroupServiceOptions {
  readonly view: ChatView;
  readonly hasher: Pick<Hasher, 'hash' | 'verify'>;
  readonly policy: Policy;
  readonly guard: Pick<Guard, 'run'>;
  readonly addresses: Pick<AddressLimits, 'register'>;
  readonly barrier: () => Promise<void>;
  readonly propose: (
    context: ConnectionContext,
    command: Command,
    numbering: Numbering | null,
  ) => Promise<Reply>;
}

type Join = Extract<GroupRequest, { op: 'join-group' }>;
type Announcement = Extract<GroupRequest, { op: 'announce-group' }>;

export class GroupService {
  readonly #options: GroupServiceOptions;

  constructor(options: GroupServiceOptions) {
    this.#options = options;
  }

  /** Proposes at once, unless there is a password to hash. Rejects with `CodedError`. */
  change(context: ConnectionContext, request: GroupRequest, numbering: Numbering | null): Promise<Reply> {
    // A session is judged by the replicated state; a raw line by what this connection is.
    const isAnonymous = numbering === null && context.identity === null;
    const mayBeAnonymous = request.op === 'announce-group' && this.#options.policy.publicRegistry;
    if (isAnonymous && !mayBeAnonymous) return refused('AUTH_REQUIRED');
    const waitMs = request.op === 'announce-group' ? this.#announcementWaitMs(context, request) : null;
    if (waitMs !== null) return Promise.resolve(registrationLimited(waitMs));
    const command = this.#command(context, request, numbering);
    return command instanceof Promise
      ? command.then((made) => this.#propose(context, request, numbering, made))
      : this.#propose(context, request, numbering, command);
  }

  /** A new group counts as a registration does, or a stranger could use up all the groups that there may be; null: it may be now. */
  #announcementWaitMs(context: ConnectionContext, { group, host, port }: Announcement): number | null {
    const known = this.#options.view.groupByName(group)?.address;
    const isKnown = known?.host === host && known.port === port;
    return isKnown ? null : this.#options.addresses.register(context.address);
  }

  async #propose(
    context: ConnectionContext,
    request: GroupRequest,
    numbering: Numbering | null,
    command: Command | Refusal,
  ): Promise<Reply> {
    if ('code' in command) return rejection(command.code);
    const reply = await this.#options.propose(context, command, numbering);
    if (reply.kind !== 'receipt' || !('group' in reply.value)) return reply;
    // The receipt says what became of the group; the answer, what was asked.
    return { kind: 'receipt', value: { ...reply.value, op: request.op } };
  }

  #command(
    context: ConnectionContext,
    request: GroupRequest,
    numbering: Numbering | null,
  ): Command | Refusal | Promise<Command | Refusal> {
    const name = request.group;
    if (name.length > limits.groupNameMaxChars) return { code: 'BAD_GROUP_NAME' };
    switch (request.op) {
      case 'create-group':
      case 'set-group-password':
        return this.#withHash(context, request);
      case 'join-group':
        return this.#join(context, request, numbering);
      case 'leave-group':
        return { kind: 'leave-group', name };
      case 'visit-group':
        return { kind: 'visit-group', name, entering: request.entering };
      case 'rename-group':
        if (request.name.length > limits.groupNameMaxChars) return { code: 'BAD_GROUP_NAME' };
        return { kind: 'rename-group', name, newName: request.name };
      case 'set-group-retention':
        return { kind: 'set-group-retention', name, ageMs: ageOf(request.days) };
      case 'remove-member':
        if (request.user.length > limits.nameMaxChars) return { code: 'UNKNOWN_USER' };
        return { kind: 'remove-member', name, member: request.user };
      case 'transfer-group':
        if (request.user.length > limits.nameMaxChars) return { code: 'UNKNOWN_USER' };
        return { kind: 'transfer-group', name, owner: request.user };
      case 'delete-group':
        return { kind: 'delete-group', name };
      case 'announce-group':
        return { kind: 'announce-group', name, address: { host: request.host, port: request.port } };
    }
  }

  async #withHash(
    context: ConnectionContext,
    request: Extract<GroupRequest, { op: 'create-group' | 'set-group-password' }>,
  ): Promise<Command | Refusal> {
    const passwordHash = await this.#hash(context, request.password);
    return passwordHash === undefined
      ? { code: 'TOO_LONG' }
      : { kind: request.op, name: request.group, passwordHash };
  }

  async #join(
    context: ConnectionContext,
    request: Join,
    numbering: Numbering | null,
  ): Promise<Command | Refusal> {
    const { view, barrier } = this.#options;
    await barrier();
    const group = view.groupByName(request.group);
    const common = { kind: 'join-group', name: request.group, create: request.create === true } as const;
    if (group === undefined) {
      const passwordHash = common.create ? await this.#hash(context, request.password) : null;
      return passwordHash === undefined ? { code: 'TOO_LONG' } : { ...common, seen: null, passwordHash };
    }
    const credential = await this.#prove(context, group, request.password);
    // A numbered request, or one with a key, may be a retry of the one that let it in: the state must be asked.
    if (credential === 0 && numbering === null && !context.mayRepeat) return { code: 'GROUP_PASSWORD_WRONG' };
    return { ...common, seen: { group: group.id, credential }, passwordHash: null };
  }

  /** The credential that was proven, 0 when it was not. Members and visitors of an open group have nothing to prove. */
  async #prove(context: ConnectionContext, group: GroupView, password: string | undefined): Promise<number> {
    const { hasher, guard } = this.#options;
    const { passwordHash, credential, id } = group;
    const account = context.identity?.account;
    if (passwordHash === null || (account !== undefined && group.includes(account))) return credential;
    const normal = password === undefined ? null : normalisedPassword(password);
    if (account === undefined || normal === null) return 0;
    const verdict = await guard.run(groupKey(id, account), () => hasher.verify(passwordHash, normal));
    if (verdict.kind === 'limited') throw new CodedError('RATE_LIMITED', limitedText(verdict));
    return verdict.kind === 'right' ? credential : 0;
  }

  /** Null without a password; undefined when it is too long. A stranger, whom the state will refuse, costs no hash. */
  async #hash(
    { identity }: ConnectionContext,
    password: string | undefined,
  ): Promise<string | null | undefined> {
    if (password === undefined || password === '') return null;
    if (identity === null) return unusableHash;
    const normal = normalisedPassword(password);
    return normal === null ? undefined : this.#options.hasher.hash(normal);
  }
}

/** Of no password. */
const unusableHash = '-';

interface Refusal {
  readonly code: 'BAD_GROUP_NAME' | 'UNKNOWN_USER' | 'TOO_LONG' | 'GROUP_PASSWORD_WRONG';
}

const dayMs = 24 * 3_600_000;

/** Null: as the configuration says. */
function ageOf(days: number | undefined): number | null {
  return days === undefined ? null : Math.min(days, limits.keepDays) * dayMs;
}
