import t from 'tap';
import type { ProposalTag } from '../../../src/replication/formats/envelope.ts';
import type { ForwardedProposal } from '../../../src/replication/formats/peer-frames.ts';
import type { Outcome } from '../../../src/replication/ports/engine.ts';
import { ForwardedProposals } from '../../../src/replication/requests/forwarded.ts';
import { Proposals, type Route } from '../../../src/replication/requests/proposals.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

interface Sent {
  readonly node: number;
  readonly term: number;
  readonly proposals: readonly ForwardedProposal[];
}

/** Proposals of a node whose surroundings a test plays. */
function proposalsOf(clock: VirtualClock): {
  proposals: Proposals<string>;
  sent: Sent[];
  route: (route: Route | null) => void;
  propose: (text: string) => { outcome: Outcome<string> | null };
  tag: (counter: number) => ProposalTag;
} {
  let route: Route | null = null;
  const sent: Sent[] = [];
  const proposals = new Proposals<string>({
    member: 1,
    life: 2,
    clock,
    route: () => route,
    append: () => false,
    forward: (node, term, batch) => {
      sent.push({ node, term, proposals: batch });
      return true;
    },
    lacksRoom: () => false,
    wake: () => clock.after(0, () => proposals.flush()),
  });
  return {
    proposals,
    sent,
    route: (next) => {
      route = next;
    },
    propose: (text) => {
      const found: { outcome: Outcome<string> | null } = { outcome: null };
      proposals.propose(Buffer.from(text)).then((outcome) => {
        found.outcome = outcome;
      });
      return found;
    },
    tag: (counter) => ({ member: 1, life: 2, counter }),
  };
}

t.test('proposals: a refusal of the first sending is certain, of a second one it is not', async (t) => {
  const clock = new VirtualClock();
  const { proposals, sent, route, propose, tag } = proposalsOf(clock);
  route({ kind: 'peer', node: 2, term: 5 });
  const first = propose('a');
  await clock.advance(1);
  t.match(sent, [{ node: 2, term: 5, proposals: [{ counter: 1 }] }]);
  proposals.refused([1]);
  await clock.advance(10);
  t.match(sent[1], { proposals: [{ counter: 2 }] }, 'sent again, under a new counter');
  proposals.linkRenewed(2);
  await clock.advance(1);
  t.match(sent[2], { proposals: [{ counter: 2 }] }, 'repeated under the same counter over the new link');
  proposals.refused([2]);
  await clock.advance(50);
  t.equal(sent.length, 3, 'the first sending may be in the log: nothing is sent again');
  proposals.applied([], 5);
  await clock.advance(1);
  t.equal(sent.length, 3, 'an entry of the same term proves nothing');
  route({ kind: 'peer', node: 3, term: 7 });
  proposals.applied([], 7);
  await clock.advance(1);
  t.match(
    sent[3],
    { node: 3, term: 7, proposals: [{ counter: 3 }] },
    'an applied entry of a later term does',
  );
  proposals.applied([{ tag: tag(3), index: 9, result: 'done' }], 7);
  await settle();
  t.strictSame(first.outcome, { kind: 'applied', index: 9, result: 'done' });
});

t.test('proposals: at the deadline, unsent is refused and sent is unknown', async (t) => {
  const clock = new VirtualClock();
  const { proposals, route, propose } = proposalsOf(clock);
  route({ kind: 'peer', node: 2, term: 5 });
  const sent = propose('sent');
  await clock.advance(1);
  route(null);
  const unsent = propose('unsent');
  await clock.advance(4_999);
  proposals.expire(clock.monotonicMs());
  await settle();
  t.strictSame(sent.outcome, { kind: 'unknown' });
  t.equal(unsent.outcome, null, 'younger by a millisecond');
  await clock.advance(1);
  proposals.expire(clock.monotonicMs());
  await settle();
  t.strictSame(unsent.outcome, { kind: 'refused', code: 'UNAVAILABLE' });
  t.equal(proposals.waiting, 0);
});

t.test('proposals: what a snapshot may cover is unknown, of later terms nothing is', async (t) => {
  const clock = new VirtualClock();
  const { proposals, route, propose } = proposalsOf(clock);
  route({ kind: 'peer', node: 2, term: 5 });
  const old = propose('old');
  await clock.advance(1);
  route({ kind: 'peer', node: 3, term: 7 });
  const last = propose('of the term in which it ends');
  await clock.advance(1);
  route({ kind: 'peer', node: 3, term: 8 });
  const young = propose('young');
  await clock.advance(1);
  proposals.snapshotInstalled(7);
  await settle();
  t.strictSame(old.outcome, { kind: 'unknown' });
  t.strictSame(last.outcome, { kind: 'unknown' });
  t.equal(young.outcome, null);
});

t.test('proposals: a refusing own log is asked again after a while, not in a circle', async (t) => {
  const clock = new VirtualClock();
  let asked = 0;
  const proposals: Proposals<string> = new Proposals<string>({
    member: 1,
    life: 2,
    clock,
    route: () => ({ kind: 'own', term: 1 }),
    append: () => {
      asked++;
      return false;
    },
    forward: () => false,
    lacksRoom: () => false,
    wake: () => clock.after(0, () => proposals.flush()),
  });
  const outcome = proposals.propose(Buffer.from('x'));
  await clock.advance(100);
  t.ok(asked > 5 && asked <= 21, `${asked} times in 100 ms`);
  proposals.close();
  t.strictSame(await outcome, { kind: 'refused', code: 'UNAVAILABLE' });
});

t.test('forwarded: repetitions are left out within a term and a life, and only there', async (t) => {
  const appended: number[] = [];
  let full = false;
  const forwarded = new ForwardedProposals((proposals) => {
    if (!full) appended.push(...proposals.map(({ tag }) => tag.counter));
    return !full;
  });
  const batch = (...counters: number[]): ForwardedProposal[] =>
    counters.map((counter) => ({ counter, command: Buffer.from('x') }));
  t.strictSame(forwarded.accept(9, 1, 1, batch(1, 2, 3)), []);
  t.strictSame(forwarded.accept(9, 1, 1, batch(2, 3, 4)), []);
  t.strictSame(appended, [1, 2, 3, 4]);
  full = true;
  t.strictSame(forwarded.accept(9, 1, 1, batch(4, 5, 6)), [5, 6], 'refused is what was not appended before');
  full = false;
  t.strictSame(forwarded.accept(9, 1, 2, batch(1)), [], 'another life counts anew');
  t.strictSame(forwarded.accept(8, 1, 1, batch(1)), [], 'another member too');
  t.strictSame(forwarded.accept(9, 2, 2, batch(1)), [], 'in another term, nothing of before is in the log');
  t.strictSame(appended, [1, 2, 3, 4, 1, 1, 1]);
});
