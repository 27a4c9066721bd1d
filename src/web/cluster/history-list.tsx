/** The story of the cluster, newest first; and what was asked for. */
import type { JSX } from 'preact';
import { clockText, secondsText } from './format.ts';
import type { Cause, Story } from './history.ts';
import type { Catalogue } from './texts/texts.ts';
import type { ActionWire } from './wire.ts';

interface HistoryProps {
  readonly stories: readonly Story[];
  readonly texts: Catalogue;
}

const storiesShown = 6;

export function HistoryList({ stories, texts }: HistoryProps): JSX.Element {
  return (
    <FoldedPanel
      id="history"
      about={texts.history}
      rows={stories.map((story) => <StoryRow key={keyOf(story)} story={story} texts={texts} />)}
      shown={storiesShown}
      texts={texts}
    />
  );
}

function StoryRow({ story, texts }: { readonly story: Story; readonly texts: Catalogue }): JSX.Element {
  return (
    <li class={`story-${story.kind}`}>
      <time dateTime={new Date(story.atMs).toISOString()}>{clockText(story.atMs, texts.code)}</time>
      <p>
        {storyText(story, texts)}
        {story.kind === 'started' ? null : <span class="seen"> {texts.history.seenBy(story.seenBy)}</span>}
      </p>
    </li>
  );
}

function ActionRow({
  action,
  texts,
}: {
  readonly action: ActionWire;
  readonly texts: Catalogue;
}): JSX.Element {
  return (
    <li class={action.outcome === 'done' ? 'story-done' : 'story-failed'}>
      <time dateTime={new Date(action.beganMs).toISOString()}>{clockText(action.beganMs, texts.code)}</time>
      <p>
        <code>
          {action.action} {action.subject}
        </code>{' '}
        <span class="seen">{aboutAction(action, texts)}</span>
      </p>
    </li>
  );
}

interface FoldedPanelProps {
  readonly id: string;
  readonly about: { readonly title: string; readonly empty: string };
  readonly rows: readonly JSX.Element[];
  readonly shown: number;
  readonly texts: Catalogue;
}

/** The newest in sight, the others one step away. */
function FoldedPanel({ id, about, rows, shown, texts }: FoldedPanelProps): JSX.Element {
  const titleId = `${id}-title`;
  return (
    <section class="panel" aria-labelledby={titleId}>
      <h2 id={titleId}>{about.title}</h2>
      {rows.length === 0 ? <p class="quiet">{about.empty}</p> : null}
      <ol class="story">{rows.slice(0, shown)}</ol>
      {rows.length > shown ? (
        <details>
          <summary>{texts.history.earlier}</summary>
          <ol class="story">{rows.slice(shown)}</ol>
        </details>
      ) : null}
    </section>
  );
}

function keyOf(story: Story): string {
  switch (story.kind) {
    case 'elected':
      return `term ${story.term}`;
    case 'started':
      return `started ${story.nodes.join()} ${story.atMs}`;
    case 'gone':
    case 'back':
      return `${story.kind} ${story.node} ${Math.round(story.atMs / 10)}`;
    default:
      return story satisfies never;
  }
}

export function storyText(story: Story, texts: Catalogue): string {
  const { history } = texts;
  switch (story.kind) {
    case 'elected': {
      const cause = story.previous === null ? '' : causeText(story.cause, story.previous, texts);
      return `${history.elected(story.leader, story.term)} ${cause}`.trimEnd();
    }
    case 'gone':
      return history.gone(story.node);
    case 'back':
      return history.back(story.node);
    case 'started':
      return history.started(story.nodes);
    default:
      return story satisfies never;
  }
}

function causeText(cause: Cause, previous: number, { history, code }: Catalogue): string {
  switch (cause.kind) {
    case 'first':
      return '';
    case 'lost':
      return history.lost(previous, gapText(cause.gapMs, code));
    case 'silent':
      return history.silent(previous, gapText(cause.gapMs, code));
    case 'handed-over':
      return history.handedOver(previous, cause.by);
    default:
      return cause satisfies never;
  }
}

function gapText(gapMs: number | null, language: string): string | null {
  return gapMs === null ? null : secondsText(gapMs, language);
}

interface ActionsProps {
  readonly actions: readonly ActionWire[];
  readonly texts: Catalogue;
}

const actionsShown = 4;

export function ActionList({ actions, texts }: ActionsProps): JSX.Element {
  return (
    <FoldedPanel
      id="actions"
      about={texts.actions}
      rows={actions.map((action) => <ActionRow key={action.number} action={action} texts={texts} />)}
      shown={actionsShown}
      texts={texts}
    />
  );
}

function aboutAction({ by, node, outcome, times }: ActionWire, texts: Catalogue): string {
  const { actions } = texts;
  const who = by.name ?? (by.kind === 'operator' ? actions.operator : actions.page);
  const parts = [who, texts.node(node), ...(times > 1 ? [actions.times(times)] : [])];
  return [...parts, outcome ?? actions.unknown].join(' · ');
}
