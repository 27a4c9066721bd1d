import {
  type ConfigurationPlan,
  describeConfiguration,
  planEnterJoint,
  planLeaveJoint,
  planSimple,
} from '../../src/raft/configuration.ts';
import { describePeer, emptyConfState, RaftError } from '../../src/raft/index.ts';
import { Tracker } from '../../src/raft/tracker.ts';
import { parseChanges } from './describe.ts';
import { Arguments, type Directive, ScriptError, toBoolean } from './script.ts';

/** Configuration arithmetic on a tracker of its own. Each command is one log index, so that `next` dates each newcomer. */
export function confChangeHandler(): (directive: Directive) => string {
  const tracker = new Tracker(0, 10, Number.POSITIVE_INFINITY, emptyConfState);
  let lastIndex = 0;
  return (directive) => {
    const args = new Arguments(directive);
    const changes = parseChanges(directive.input.join(' '));
    if (changes === null) throw new ScriptError(`unknown input: ${directive.input.join(' ')}`);
    const plan = (): ConfigurationPlan => {
      switch (directive.command) {
        case 'simple':
          return planSimple(tracker.confState, changes);
        case 'enter-joint':
          return planEnterJoint(tracker.confState, args.option('autoleave', false, toBoolean), changes);
        case 'leave-joint':
          if (changes.length > 0) throw new RaftError('invalid-conf-change', 'this command takes no input');
          return planLeaveJoint(tracker.confState);
        default:
          throw new ScriptError(`unknown command ${directive.command}`);
      }
    };
    const index = lastIndex++;
    try {
      tracker.install(plan(), index);
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      return error.message;
    } finally {
      args.done();
    }
    const peers = tracker.ids.flatMap((id) => tracker.progress(id)?.status(id) ?? []);
    const lines = peers.map((peer) => `${peer.id}: ${describePeer(peer)}`);
    return [describeConfiguration(tracker.confState), ...lines].join('\n');
  };
}
