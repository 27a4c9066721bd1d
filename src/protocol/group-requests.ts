/** Requests about groups and what they are answered: part of the vocabulary in `requests.ts`. */

/** `group` is a name, without the `#`. Without a password a group is open: anyone may join, and anyone sees its members. */
export type GroupRequest =
  | { readonly op: 'create-group'; readonly group: string; readonly password?: string }
  /** `create`: make it, with this password, if there is none. */
  | {
      readonly op: 'join-group';
      readonly group: string;
      readonly password?: string;
      readonly create?: boolean;
    }
  | { readonly op: 'leave-group'; readonly group: string }
  /** Comes into the group's room or goes out of it, as a member: the others are told. */
  | { readonly op: 'visit-group'; readonly group: string; readonly entering: boolean }
  /** These are the owner's. */
  | { readonly op: 'rename-group'; readonly group: string; readonly name: string }
  | { readonly op: 'set-group-password'; readonly group: string; readonly password?: string }
  /** Older messages go; 0: they are kept for ever; absent: as the configuration says. */
  | { readonly op: 'set-group-retention'; readonly group: string; readonly days?: number }
  | { readonly op: 'remove-member'; readonly group: string; readonly user: string }
  | { readonly op: 'transfer-group'; readonly group: string; readonly user: string }
  | { readonly op: 'delete-group'; readonly group: string }
  /** The registry's, without an account: see the dialect. */
  | { readonly op: 'announce-group'; readonly group: string; readonly host: string; readonly port: number };

/** `group` as it is spelt, or as it is called since. */
export type GroupSuccess = GroupRequest['op'] extends infer Op
  ? Op extends string
    ? { readonly op: Op; readonly group: string; readonly conversation: string }
    : never
  : never;

/** What happened to a group, for those of its members who are online: told once, not kept. */
export type GroupNotice = { readonly conversation: string; readonly group: string } & (
  | { readonly kind: 'created' | 'deleted' }
  /** `entered`, `exited`: a member's presence in the room, where a dialect has one; membership stays. */
  | { readonly kind: 'joined' | 'left' | 'removed' | 'entered' | 'exited'; readonly user: string }
  | { readonly kind: 'renamed'; readonly oldName: string }
  | { readonly kind: 'owner'; readonly user: string }
);

const groupOperations = {
  'create-group': true,
  'join-group': true,
  'leave-group': true,
  'visit-group': true,
  'rename-group': true,
  'set-group-password': true,
  'set-group-retention': true,
  'remove-member': true,
  'transfer-group': true,
  'delete-group': true,
  'announce-group': true,
} satisfies Record<GroupRequest['op'], true>;

export function isGroupRequest(request: { readonly op: string }): request is GroupRequest {
  return Object.hasOwn(groupOperations, request.op);
}
