/** The cluster as a picture: who leads, who follows, who is gone. */
import type { JSX } from 'preact';
import { numberText } from './format.ts';
import { canvas, linkOf, nodeRadius, type Point, ringOf } from './layout.ts';
import type { ClusterPicture, NodePicture } from './picture.ts';
import type { Catalogue } from './texts/texts.ts';

interface Props {
  readonly picture: ClusterPicture;
  readonly texts: Catalogue;
}

interface Placed {
  readonly node: NodePicture;
  readonly at: Point;
}

export function Graph({ picture, texts }: Props): JSX.Element {
  const ring = ringOf(picture.nodes.length);
  const placed = picture.nodes.flatMap((node, index): readonly Placed[] => {
    const at = ring[index];
    return at === undefined ? [] : [{ node, at }];
  });
  const told = picture.nodes.map(({ id, state }) => `${texts.node(id)} ${texts.state[state]}`).join(', ');
  return (
    <svg
      class="graph"
      viewBox={`0 0 ${canvas.width} ${canvas.height}`}
      role="img"
      aria-label={texts.graph(told)}
    >
      {linksOf(placed, picture.leader).map(({ key, from, to, kind }) => (
        <line key={key} class={`link link-${kind}`} x1={from.x} y1={from.y} x2={to.x} y2={to.y} />
      ))}
      {placed.map((one) => (
        <Disc key={one.node.id} {...one} texts={texts} />
      ))}
    </svg>
  );
}

function Disc({ node, at, texts }: Placed & { readonly texts: Catalogue }): JSX.Element {
  const { id, state, wire } = node;
  return (
    <g class={`disc disc-${state}`} transform={`translate(${at.x} ${at.y})`}>
      {state === 'leader' ? <circle class="halo" r={nodeRadius + 9} /> : null}
      <circle class="body" r={nodeRadius} />
      <text class="number" y="12">
        {id}
      </text>
      <text class="word" y={nodeRadius + 26}>
        {texts.state[state]}
      </text>
      {wire !== null && node.isUp ? (
        <text class="index" y={nodeRadius + 45}>
          {numberText(wire.appliedIndex, texts.code)}
        </text>
      ) : null}
    </g>
  );
}

interface Link {
  readonly key: string;
  readonly from: Point;
  readonly to: Point;
  /** `flow`: what the leader sends; `broken`: to a node that is gone; `idle`: nobody leads. */
  readonly kind: 'flow' | 'broken' | 'idle';
}

function linksOf(placed: readonly Placed[], leader: number | null): readonly Link[] {
  const leading = placed.find(({ node }) => node.id === leader);
  if (leading === undefined) {
    return placed.flatMap((one, index) =>
      placed.slice(index + 1).map((other) => link(one, other, bothUp(one, other) ? 'idle' : 'broken')),
    );
  }
  return placed
    .filter((one) => one !== leading)
    .map((one) => link(leading, one, one.node.isUp ? 'flow' : 'broken'));
}

function link(one: Placed, other: Placed, kind: Link['kind']): Link {
  return { key: `${one.node.id}-${other.node.id}`, kind, ...linkOf(one.at, other.at) };
}

function bothUp(one: Placed, other: Placed): boolean {
  return one.node.isUp && other.node.isUp;
}
