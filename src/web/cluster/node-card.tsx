/** One node with its figures, and what may be asked of it. */
import type { JSX } from 'preact';
import type { Order } from './commands.ts';
import { bytesText, numberText, spanText } from './format.ts';
import type { ClusterPicture, NodePicture } from './picture.ts';
import type { Catalogue } from './texts/texts.ts';
import type { NodeWire } from './wire.ts';

interface Props {
  readonly node: NodePicture;
  readonly picture: ClusterPicture;
  readonly texts: Catalogue;
  readonly onOrder: (order: Order) => void;
}

export function NodeCard({ node, picture, texts, onOrder }: Props): JSX.Element {
  const { id, state, wire, host, httpPort } = node;
  const title = `node-${id}`;
  return (
    <li>
      <article class={`card card-${state}`} aria-labelledby={title}>
        <header>
          <h3 id={title}>{texts.node(id)}</h3>
          <span class={`badge badge-${state}`}>{texts.state[state]}</span>
          <span class="address">
            {host}:{httpPort}
          </span>
        </header>
        {node.isUp ? null : <p class="quiet">{wire === null ? texts.never : texts.heardLast}</p>}
        {wire === null ? null : <Figures node={node} wire={wire} picture={picture} texts={texts} />}
        {wire !== null && node.isUp && wire.alarms.length > 0 ? (
          <ul class="alarms" aria-label={texts.alarms}>
            {wire.alarms.map((alarm) => (
              <li key={alarm}>{alarm}</li>
            ))}
          </ul>
        ) : null}
        <Buttons node={node} picture={picture} texts={texts} onOrder={onOrder} />
      </article>
    </li>
  );
}

function Buttons({ node, picture, texts, onOrder }: Props): JSX.Element {
  const { id, state, isUp, isVoter } = node;
  const button = (kind: Exclude<Order['kind'], 'add'>, look: string): JSX.Element => (
    <button
      type="button"
      class={look}
      aria-label={`${texts.order[kind]}: ${texts.node(id)}`}
      onClick={() => onOrder({ kind, node: id })}
    >
      {texts.order[kind]}
    </button>
  );
  const isMember = state !== 'observer' && state !== 'founding';
  return (
    <div class="buttons">
      {isUp && isVoter && state !== 'leader' ? button('lead', '') : null}
      {isUp && picture.isDemonstration ? button('kill', 'danger') : null}
      {isMember && picture.voters > 1 ? button('remove', 'plain') : null}
      {isMember && isVoter && !isUp ? button('replace', 'plain') : null}
    </div>
  );
}

function Figures({
  node,
  wire,
  picture,
  texts,
}: Omit<Props, 'onOrder'> & { readonly wire: NodeWire }): JSX.Element {
  const { figure, code } = texts;
  const { disk, connections, loopDelayMs, memoryBytes, upMs } = wire;
  const rows: readonly (readonly [string, string])[] = [
    [figure.behind, lagText(node, texts)],
    [figure.connections, numberText(connections.native + connections.chat, code)],
    [figure.disk, disk === null ? figure.unknown : bytesText(disk.freeBytes, code)],
    [figure.loop, `${numberText(loopDelayMs, code, loopDelayMs < 10 ? 1 : 0)} ms`],
    [figure.memory, bytesText(memoryBytes, code)],
    [figure.up, spanText(upMs)],
  ];
  return (
    <>
      <dl class="bars">
        <Bar name={figure.log} value={wire.lastIndex ?? wire.commitIndex} picture={picture} texts={texts} />
        <Bar name={figure.committed} value={wire.commitIndex} picture={picture} texts={texts} />
        <Bar name={figure.applied} value={wire.appliedIndex} picture={picture} texts={texts} />
      </dl>
      <dl class="figures">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function lagText({ lag, isUp }: NodePicture, { figure }: Catalogue): string {
  if (!isUp || lag === null) return figure.unknown;
  return lag === 0 ? figure.upToDate : figure.behindOf(lag);
}

interface BarProps {
  readonly name: string;
  readonly value: number;
  readonly picture: ClusterPicture;
  readonly texts: Catalogue;
}

/** So many of the newest entries a bar is long. */
const shownEntries = 200;

function Bar({ name, value, picture, texts }: BarProps): JSX.Element {
  const missing = Math.max(0, picture.commitIndex - value);
  const width = Math.max(2, 100 - (100 * missing) / shownEntries);
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false">
          <rect class="bar-ground" width="100" height="6" rx="3" />
          <rect class="bar-value" width={width} height="6" rx="3" />
        </svg>
        <span>{numberText(value, texts.code)}</span>
      </dd>
    </div>
  );
}
