/**
 * A replicated counter: three members of one Raft group, in one process, over a network that is an array and disks that are memory.
 * Each member adds to its own counter what the group has committed; one of them is cut off, and catches up.
 *
 *     node examples/replicated-counter.js
 */
import { confChangeOf, defaultRaftConfig, emptyConfState, MemoryLog, RawNode } from 'conclave/raft';

const ids = [1, 2, 3];
const network = [];
const members = new Map(ids.map((id) => [id, startMember(id)]));
const cutOff = new Set();

/** Everybody begins with the same configuration: a snapshot of nothing, at index 1. */
function startMember(id) {
  const disk = new MemoryLog();
  const meta = { index: 1, term: 1, confState: { ...emptyConfState, voters: ids } };
  disk.applySnapshot({ meta, data: new Uint8Array() });
  const randomBelow = (bound) => Math.floor(Math.random() * bound);
  const config = { id, storage: disk, randomBelow, applied: 1, preVote: true, checkQuorum: true };
  return { id, disk, node: new RawNode(defaultRaftConfig(config)), counter: 0 };
}

/** The driver: persist, then send, then apply, then tell the core that it is done. */
function carryOut(member) {
  const { disk, node } = member;
  const ready = node.ready();
  if (ready.snapshot !== null) disk.applySnapshot(ready.snapshot);
  if (ready.hardState !== null) disk.setHardState(ready.hardState);
  disk.append(ready.entries); // A real disk is synced here, if ready.mustSync.
  network.push(...ready.messages);
  for (const entry of ready.committedEntries) apply(member, entry);
  node.advance();
}

function apply(member, entry) {
  const change = confChangeOf(entry);
  if (change !== null) member.node.applyConfChange(change);
  else if (entry.data.length > 0) member.counter += entry.data[0];
}

/** Until nobody has anything to do. Messages to and from a member that is cut off are lost, as on a real network. */
function settle() {
  for (let busy = true; busy; ) {
    busy = false;
    for (const member of members.values()) {
      for (; member.node.hasReady(); busy = true) carryOut(member);
    }
    for (const message of network.splice(0)) {
      if (!cutOff.has(message.from) && !cutOff.has(message.to)) members.get(message.to).node.step(message);
    }
  }
}

function tickUntil(holds) {
  for (let ticks = 0; !holds(); ticks++) {
    if (ticks > 1_000) throw new Error('the group did not get there');
    for (const { node } of members.values()) node.tick();
    settle();
  }
}

const all = [...members.values()];
const leader = () => all.find(({ id, node }) => !cutOff.has(id) && node.basicStatus().role === 'leader');
const counters = () => all.map(({ counter }) => counter).join(' ');

tickUntil(() => leader() !== undefined);
for (const amount of [1, 2, 3]) leader().node.propose(Uint8Array.of(amount));
tickUntil(() => counters() === '6 6 6');
console.log(`three members agree: ${counters()}`);

cutOff.add(leader().id);
tickUntil(() => leader() !== undefined);
leader().node.propose(Uint8Array.of(4));
tickUntil(() => all.filter(({ counter }) => counter === 10).length === 2);
console.log(`the leader was cut off, another leads: ${counters()}`);

cutOff.clear();
tickUntil(() => counters() === '10 10 10');
console.log(`back again, it catches up: ${counters()}`);
