/** Wrong ways of the client library. */
import { Inbox } from '../../../src/client/inbox.ts';
import { Link } from '../../../src/client/link.ts';
import { RequestQueue } from '../../../src/client/request-queue.ts';
import { faithful } from '../wiring.ts';
import { type Mutant, replaceGetter, replaceMethod } from './mutant.ts';

const numbersOfAFormerLife: Mutant = {
  name: 'numbers-of-a-former-life',
  does: 'a program that takes up its former session numbers its requests from 1 again',
  profile: 'clients',
  wiring: faithful,
  patch: () => replaceMethod(RequestQueue.prototype, 'skipNumbers', () => () => undefined),
};

const cursorAhead: Mutant = {
  name: 'cursor-ahead',
  does: 'what came counts as had while the program still looks at it',
  profile: 'clients',
  wiring: faithful,
  patch: () => {
    const undo = [
      replaceGetter(Inbox.prototype, 'cursor', function () {
        return this.received;
      }),
      replaceGetter(Inbox.prototype, 'handled', function () {
        return this.received ?? 0;
      }),
    ];
    return () => {
      for (const one of undo) one();
    };
  },
};

const welcomeBeforeLogin: Mutant = {
  name: 'welcome-before-login',
  does: 'a node that knows nothing of a login yet is believed that nobody is logged in',
  profile: 'clients',
  wiring: faithful,
  patch: () => replaceMethod(Link.prototype, 'isBehind', () => () => false),
};

export const clientMutants: readonly Mutant[] = [numbersOfAFormerLife, cursorAhead, welcomeBeforeLogin];
