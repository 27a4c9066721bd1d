/** The quiet line about what happens between the page and the cluster. */
import type { JSX } from 'preact';
import type { FailoverLine } from '../model/failover.ts';
import type { Surroundings } from './context.ts';
import { useSelect, useSurroundings } from './context.ts';

export function FailoverNotice(): JSX.Element {
  const surroundings = useSurroundings();
  const line = useSelect((state) => state.line);
  return (
    <div class={`failover${line === null ? '' : ` failover-${line.kind}`}`} role="status">
      {line !== null && <span>{textOf(line, surroundings)}</span>}
    </div>
  );
}

export function textOf(
  line: FailoverLine,
  { texts, formats }: Pick<Surroundings, 'texts' | 'formats'>,
): string {
  const words = texts.line;
  switch (line.kind) {
    case 'searching':
      return words.searching(line.node);
    case 'unreachable':
      return words.unreachable;
    case 'electing':
      return words.electing;
    case 'session-lost':
      return words.sessionLost;
    case 'recovered': {
      const { node, leader, repeated, lost, outageMs } = line;
      const parts = [node === null ? words.newLeader : words.left(node), words.leads(leader)];
      if (repeated > 0) parts.push(words.repeated(repeated));
      if (lost !== null) parts.push(lost === 0 ? words.nothingLost : words.unsure(lost));
      parts.push(formats.duration(outageMs));
      return parts.join('; ');
    }
  }
}
