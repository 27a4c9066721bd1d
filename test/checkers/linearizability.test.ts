/** The search judged: histories with an order that explains them pass, and each planted fault is seen. */
import t from 'tap';
import { type AccountInput, type AccountOperation, type AccountOutput, accountModel } from './accounts.ts';
import { checkLinearizable, decide } from './linearizability.ts';
import { type MemberInput, type MemberOutput, memberModel } from './membership.ts';

/** Called and returned at these moments; without an end the answer never came. */
const operation = (
  input: AccountInput,
  output: AccountOutput | null,
  calledAt: number,
  returnedAt = Number.POSITIVE_INFINITY,
): AccountOperation => ({ input, output, calledAt, returnedAt, name: `${input} ${output}` });

const decided = (...operations: readonly AccountOperation[]): string => decide(accountModel, operations);

t.test('linearizability: one after the other, as the name was taken and given back', async (t) => {
  t.equal(
    decided(
      operation('find', 'absent', 0, 1),
      operation('register', 'done', 2, 3),
      operation('find', 'found', 4, 5),
      operation('register', 'refused', 6, 7),
      operation('delete', 'done', 8, 9),
      operation('find', 'absent', 10, 11),
    ),
    'linearizable',
  );
});

t.test('linearizability: of two at once one takes the name, in either order, and never both', async (t) => {
  const one = operation('register', 'done', 0, 10);
  t.equal(decided(one, operation('register', 'refused', 1, 2)), 'linearizable');
  t.equal(decided(one, operation('register', 'done', 1, 2)), 'not-linearizable');
});

t.test('linearizability: a read that began after a write was answered and misses it', async (t) => {
  t.equal(
    decided(operation('register', 'done', 0, 1), operation('find', 'absent', 2, 3)),
    'not-linearizable',
  );
  t.equal(decided(operation('register', 'done', 0, 5), operation('find', 'absent', 2, 3)), 'linearizable');
  const backwards = [operation('find', 'found', 1, 2), operation('find', 'absent', 3, 4)];
  t.equal(decided(operation('register', 'done', 0, 9), ...backwards), 'not-linearizable');
});

t.test(
  'linearizability: what was never answered may have happened late, or never, but not twice',
  async (t) => {
    const unanswered = operation('register', null, 0);
    t.equal(
      decided(unanswered, operation('find', 'absent', 1, 2), operation('find', 'found', 3, 4)),
      'linearizable',
    );
    t.equal(decided(unanswered, operation('find', 'absent', 1, 2)), 'linearizable');
    const twice = [
      operation('find', 'found', 1, 2),
      operation('delete', 'done', 3, 4),
      operation('find', 'found', 5, 6),
    ];
    t.equal(decided(unanswered, ...twice), 'not-linearizable');
  },
);

t.test('linearizability: a search that is given up is a fault of its own', async (t) => {
  const many = Array.from({ length: 12 }, (_, i) => operation('find', 'absent', i, 100 + i));
  const impossible = [...many, operation('find', 'found', 50, 60)];
  t.equal(decide(accountModel, impossible, 20), 'undecided');
  const kinds = (most: number): string[] =>
    checkLinearizable(accountModel, new Map([['kim', impossible]]), 'account', most).map(({ kind }) => kind);
  t.same(kinds(20), ['undecided']);
  t.same(kinds(200_000), ['not-linearizable']);
  t.same(checkLinearizable(accountModel, new Map([['kim', many]]), 'account'), []);
});

t.test(
  'linearizability: members come and go one way only, and a look behind a barrier sees it',
  async (t) => {
    const member = (
      input: MemberInput,
      output: MemberOutput | null,
      calledAt: number,
      returnedAt: number,
    ) => ({
      input,
      output,
      calledAt,
      returnedAt,
      name: `${input} ${output}`,
    });
    const removed = [member('look', 'member', 0, 1), member('remove', 'done', 2, 3)];
    t.equal(decide(memberModel, [...removed, member('look', 'stranger', 4, 5)]), 'linearizable');
    t.equal(decide(memberModel, [...removed, member('look', 'member', 4, 5)]), 'not-linearizable');
    t.equal(decide(memberModel, [...removed, member('replace', 'done', 4, 5)]), 'not-linearizable');
    t.equal(
      decide(memberModel, [...removed, member('add', 'done', 4, 5), member('look', 'member', 6, 7)]),
      'linearizable',
    );
  },
);
