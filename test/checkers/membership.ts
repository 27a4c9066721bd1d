import type { Model, Operation } from './linearizability.ts';

/** What is asked about one node, and what the answer says. `look` is a read of the members behind a barrier. */
export type MemberInput = 'add' | 'remove' | 'replace' | 'look';
export type MemberOutput = 'done' | 'member' | 'stranger';
export type MemberOperation = Operation<MemberInput, MemberOutput>;

const [member, stranger] = ['member', 'stranger'];

/** One node by its number: a member, or not. Every node is one when the cluster is founded. */
export const memberModel: Model<MemberInput, MemberOutput> = {
  initial: member,
  step(state, input, output) {
    switch (input) {
      case 'add':
        return state === stranger ? [member] : [];
      case 'remove':
        return state === member ? [stranger] : [];
      case 'replace':
        return state === member ? [member] : [];
      case 'look':
        return output === null || output === state ? [state] : [];
    }
  },
};
