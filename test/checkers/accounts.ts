import type { Model, Operation } from './linearizability.ts';

/** What is asked about one name, and what the answer says about it. */
export type AccountInput = 'register' | 'delete' | 'find';
/** `done`: it took effect. `refused`: the name was taken (register). `found` and `absent` answer `find`. */
export type AccountOutput = 'done' | 'refused' | 'found' | 'absent';
export type AccountOperation = Operation<AccountInput, AccountOutput>;

const [free, taken] = ['free', 'taken'];

/** One name: free or taken. */
export const accountModel: Model<AccountInput, AccountOutput> = {
  initial: free,
  step(state, input, output) {
    switch (input) {
      case 'register':
        if (output === 'refused') return state === taken ? [taken] : [];
        return state === free ? [taken] : [];
      case 'delete':
        return state === taken ? [free] : [];
      case 'find':
        if (output === null) return [state];
        return (output === 'found') === (state === taken) ? [state] : [];
    }
  },
};
