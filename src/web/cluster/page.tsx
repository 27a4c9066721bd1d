/** The cluster view: one glance says whether all is well, the rest says why. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Order, Outcome } from './commands.ts';
import { Entrance } from './entrance.tsx';
import { numberText } from './format.ts';
import { Graph } from './graph.tsx';
import { historyOf } from './history.ts';
import { ActionList, HistoryList, storyText } from './history-list.tsx';
import { NodeCard } from './node-card.tsx';
import { OrderDialog } from './order-dialog.tsx';
import { type ClusterPicture, pictureOf } from './picture.ts';
import type { Catalogue } from './texts/texts.ts';
import type { Watch, WatchState } from './watch.ts';

interface Props {
  readonly watch: Watch;
  readonly texts: Catalogue;
  readonly carryOut: (order: Order) => Promise<Outcome>;
  readonly logIn: (user: string, password: string) => Promise<string | null>;
}

export function Page({ watch, texts, carryOut, logIn }: Props): JSX.Element {
  const [state, setState] = useState<WatchState>(watch.state);
  const [order, setOrder] = useState<Order | 'add' | null>(null);
  useEffect(() => watch.onChange(() => setState(watch.state)), [watch]);
  const picture = pictureOf(state.heard);
  const isShut = state.access === 'login' || state.access === 'denied';
  return (
    <>
      <header class="top">
        <Emblem />
        <h1>{picture === null ? 'Conclave' : texts.title(picture.name)}</h1>
        <a href="/">{texts.toChat}</a>
      </header>
      <main>
        {isShut ? <Entrance texts={texts} isDenied={state.access === 'denied'} logIn={logIn} /> : null}
        {!isShut && picture === null ? <p class="quiet">{texts.asking}</p> : null}
        {!isShut && picture !== null ? (
          <Overview state={state} picture={picture} texts={texts} onOrder={setOrder} />
        ) : null}
      </main>
      {order === null ? null : (
        <OrderDialog
          order={order}
          texts={texts}
          taken={picture?.nodes.map(({ id }) => id) ?? []}
          carryOut={carryOut}
          onClose={() => setOrder(null)}
        />
      )}
    </>
  );
}

function Invitation({ texts: { promise } }: { readonly texts: Catalogue }): JSX.Element {
  return (
    <section class="panel invitation" aria-labelledby="promise-title">
      <h2 id="promise-title">{promise.title}</h2>
      <p>{promise.text}</p>
    </section>
  );
}

function Emblem(): JSX.Element {
  return (
    <svg class="emblem" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path class="emblem-links" d="M12 6 5.5 17.5h13Z" />
      <circle cx="12" cy="6" r="3.2" />
      <circle cx="5.5" cy="17.5" r="3.2" />
      <circle cx="18.5" cy="17.5" r="3.2" />
    </svg>
  );
}

interface OverviewProps {
  readonly state: WatchState;
  readonly picture: ClusterPicture;
  readonly texts: Catalogue;
  readonly onOrder: (order: Order | 'add') => void;
}

function Overview({ state, picture, texts, onOrder }: OverviewProps): JSX.Element {
  const stories = historyOf(state.heard, state.actions);
  const [newest] = stories;
  return (
    <>
      <section class="glance" aria-label={texts.overview}>
        <div class="verdict">
          <Verdict picture={picture} texts={texts} />
          <Graph picture={picture} texts={texts} />
        </div>
        <div class="side">
          {picture.isDemonstration ? <Invitation texts={texts} /> : null}
          <HistoryList stories={stories} texts={texts} />
          <ActionList actions={state.actions} texts={texts} />
        </div>
      </section>
      <section aria-labelledby="nodes-title">
        <div class="row">
          <h2 id="nodes-title">{texts.nodes}</h2>
          <button type="button" onClick={() => onOrder('add')}>
            {texts.order.add}
          </button>
        </div>
        <ul class="cards">
          {picture.nodes.map((node) => (
            <NodeCard key={node.id} node={node} picture={picture} texts={texts} onOrder={onOrder} />
          ))}
        </ul>
      </section>
      {/* Told when it changes, to whoever does not see it. */}
      <p class="sr-only" role="status">
        {newest === undefined ? '' : storyText(newest, texts)}
      </p>
    </>
  );
}

function Verdict({ picture, texts }: Pick<OverviewProps, 'picture' | 'texts'>): JSX.Element {
  const { verdict, code } = texts;
  const mood = !picture.hasMajority ? 'bad' : picture.votersUp < picture.voters ? 'warm' : 'good';
  return (
    <div class={`mood mood-${mood}`}>
      <p class="claim">{claimOf(picture, texts)}</p>
      <p class="lead">{leadOf(picture, texts)}</p>
      <dl class="totals">
        <Total value={numberText(picture.commitIndex, code)} name={verdict.committed} />
        <Total
          value={numberText(picture.subscribers, code)}
          name={verdict.subscribers(picture.subscribers)}
        />
        <Total value={numberText(picture.accounts, code)} name={verdict.accounts} />
      </dl>
    </div>
  );
}

function Total({ value, name }: { readonly value: string; readonly name: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function leadOf({ leader, term, hasMajority }: ClusterPicture, { verdict }: Catalogue): string {
  if (leader !== null) return verdict.leads(leader, term);
  return hasMajority ? verdict.electing : '';
}

function claimOf({ nodes, voters, votersUp, hasMajority }: ClusterPicture, { verdict }: Catalogue): string {
  if (!hasMajority) return verdict.noMajority(votersUp, voters);
  if (votersUp === voters) return verdict.allUp(voters);
  const down = nodes.filter(({ isVoter, isUp }) => isVoter && !isUp).map(({ id }) => id);
  return verdict.someDown(down, votersUp, voters);
}
