/**
 * The messages of a conversation, of which only those in view are drawn: ten thousand scroll as lightly as ten. Older and newer ones are
 * asked for as one comes near the ends.
 */
import { Component, createRef, type JSX } from 'preact';
import type { MessageEntry } from '../../protocol/requests.ts';
import type { Conversation } from '../model/conversations.ts';
import { FeedFrame } from '../model/feed-frame.ts';
import { markOf, markOfEntry } from '../model/marks.ts';
import { messageAt } from '../model/message-window.ts';
import type { Row } from '../model/timeline.ts';
import type { Surroundings } from './context.ts';
import { IconButton } from './icons.tsx';
import { actionOf, type MessageAction } from './message-action.ts';
import { MessageRow, OpenRow } from './message-row.tsx';
import { titleOf } from './sidebar.tsx';

export interface FeedProps {
  readonly surroundings: Surroundings;
  readonly conversation: Conversation;
  readonly rows: readonly Row[];
  readonly me: string;
  /** Of the group that is open. */
  readonly isOwner: boolean;
  readonly isConnected: boolean;
  readonly isLoading: boolean;
  readonly onAction: (action: MessageAction, message: MessageEntry) => void;
  readonly onAtEnd: (isAtEnd: boolean) => void;
}

interface FeedState {
  readonly activeKey: string | null;
  readonly flashedKey: string | null;
  /** The row for which a reaction is being chosen. */
  readonly choosingKey: string | null;
  readonly isAtEnd: boolean;
  /** The first unread message is above what is in view. */
  readonly isMarkerAbove: boolean;
}

/** Rows from an end at which more is asked for. */
const nearRows = 25;
const estimates: Readonly<Record<string, number>> = { s: 96, d: 44, u: 36, m: 52, o: 60 };
/** Until what is drawn fits what it was measured to be; a few rounds at most. */
const mostRounds = 4;

export class Feed extends Component<FeedProps, FeedState> {
  readonly #frame = new FeedFrame((key) => estimates[key.charAt(0)] ?? 52);
  readonly #box = createRef<HTMLElement>();
  readonly #list = createRef<HTMLDivElement>();
  readonly #before = createRef<HTMLDivElement>();
  readonly #after = createRef<HTMLDivElement>();
  #rows: readonly Row[] | null = null;
  #height = 0;
  #width = 0;
  /** Where the box was scrolled to when it was last looked at or set. */
  #seenTop = 0;
  #rounds = 0;
  #drawn = { start: 0, end: 0 };
  /** The first unread message is to come into view, once it is there. */
  #wantsMarker: boolean;
  #focusKey: string | null = null;
  #observer: ResizeObserver | null = null;

  constructor(props: FeedProps) {
    super(props);
    this.#wantsMarker = props.conversation.marker !== null;
    this.state = {
      activeKey: null,
      flashedKey: null,
      choosingKey: null,
      isAtEnd: true,
      isMarkerAbove: false,
    };
  }

  override componentDidMount(): void {
    this.#observer = new ResizeObserver(() => this.#resized());
    if (this.#box.current !== null) {
      this.#observer.observe(this.#box.current);
      // What scrolls must be within reach of the keyboard, also while nothing in it is.
      this.#box.current.tabIndex = 0;
    }
    if (this.#list.current !== null) this.#observer.observe(this.#list.current);
    this.#resized();
  }

  override componentWillUnmount(): void {
    this.#observer?.disconnect();
  }

  override componentDidUpdate(): void {
    this.#fit();
  }

  override render(): JSX.Element {
    const { surroundings, conversation, rows, isLoading } = this.props;
    const { texts } = surroundings;
    // A pointer's events come before the scroll's own: whatever is drawn for them must not take the box back.
    this.#learn();
    this.#take(rows);
    this.#drawn = this.#frame.range(this.#height);
    const { start, end } = this.#drawn;
    const name = titleOf(conversation, texts);
    return (
      <div class="feed-frame">
        <section
          class="feed"
          id="messages"
          role="feed"
          aria-label={texts.chat.messages(name)}
          aria-busy={isLoading}
          ref={this.#box}
          onScroll={() => this.#scrolled()}
          onKeyDown={(event) => this.#key(event)}
          onPointerOver={(event) => this.#activate(event.target)}
          onPointerLeave={() => this.#activate(null)}
          onFocusIn={(event) => this.#activate(event.target)}
        >
          <div ref={this.#before} />
          <div class="rows" ref={this.#list}>
            {rows.slice(start, end).map((row) => this.#row(row, name))}
          </div>
          <div ref={this.#after} />
        </section>
        {this.state.isMarkerAbove && (
          <button type="button" class="to-marker" onClick={() => this.toMarker()}>
            {texts.chat.jumpUnread}
          </button>
        )}
        {!this.state.isAtEnd && (
          <div class="to-newest">
            <IconButton icon="down" label={texts.chat.newest} onClick={() => void this.toNewest()} />
          </div>
        )}
      </div>
    );
  }

  /** The newest messages come into view, loaded if need be. */
  async toNewest(): Promise<void> {
    await this.props.surroundings.app.jumpToNewest();
    this.#frame.holdEnd();
    this.forceUpdate();
  }

  /** That message comes into view, loaded if need be, and is pointed out. */
  async jumpTo(sequence: number): Promise<void> {
    if (!(await this.props.surroundings.app.jumpTo(sequence))) return;
    const key = `m${sequence}`;
    this.#frame.hold(key, this.#height / 3);
    this.#focusKey = key;
    this.setState({ flashedKey: key });
  }

  toMarker(): void {
    if (this.#frame.heights.indexOf('unread') < 0) return;
    this.#frame.hold('unread', 40);
    this.forceUpdate();
  }

  #row(row: Row, name: string): JSX.Element {
    const { surroundings, conversation, me, isOwner, isConnected } = this.props;
    const { texts, formats } = surroundings;
    switch (row.kind) {
      case 'start':
        return (
          <div class="row-start" key={row.key} data-key={row.key}>
            {texts.chat.begin(name)}
          </div>
        );
      case 'day':
        return (
          <div class="row-day" key={row.key} data-key={row.key}>
            <span>{formats.day(row.atMs)}</span>
          </div>
        );
      case 'unread':
        return (
          <div class="row-unread" key={row.key} data-key={row.key}>
            <span>{texts.chat.unreadFrom}</span>
          </div>
        );
      case 'message': {
        const { message, key } = row;
        return (
          <MessageRow
            key={key}
            rowKey={key}
            surroundings={surroundings}
            message={message}
            isContinued={row.isContinued}
            me={me}
            isOwner={isOwner}
            mark={message.from === me ? markOf(conversation, message.sequence) : null}
            quoted={message.replyTo === undefined ? null : messageAt(conversation.window, message.replyTo)}
            isActive={this.state.activeKey === key}
            isFlashed={this.state.flashedKey === key}
            isChoosing={this.state.choosingKey === key}
            onAction={this.#act}
            onJump={this.#jump}
          />
        );
      }
      case 'open':
        return (
          <OpenRow
            key={row.key}
            rowKey={row.key}
            surroundings={surroundings}
            entry={row.entry}
            isContinued={row.isContinued}
            me={me}
            mark={markOfEntry(row.entry.state, isConnected)}
          />
        );
    }
  }

  readonly #act = (action: MessageAction, message: MessageEntry): void => {
    const key = `m${message.sequence}`;
    const isChoice = action.kind === 'choose-reaction';
    this.setState({ choosingKey: isChoice ? key : null });
    if (isChoice) return;
    // The button that was pressed goes: its message keeps the focus.
    if (action.kind === 'react' && this.#list.current?.contains(document.activeElement)) {
      this.#focusKey = key;
    }
    this.props.onAction(action, message);
  };

  readonly #jump = (sequence: number): void => void this.jumpTo(sequence);

  /** Other rows than the last time. */
  #take(rows: readonly Row[]): void {
    if (rows === this.#rows) return;
    this.#rows = rows;
    this.#frame.heights.setKeys(rows.map(({ key }) => key));
    if (this.#wantsMarker && this.#frame.heights.indexOf('unread') >= 0) {
      this.#wantsMarker = false;
      this.#frame.hold('unread', this.#height / 4);
    }
    this.#rounds = 0;
  }

  /** After drawing: what was drawn is measured, and the box is put where its anchor belongs. */
  #fit(): void {
    const [box, list] = [this.#box.current, this.#list.current];
    if (box === null || list === null) return;
    const { heights } = this.#frame;
    const { start, end } = this.#drawn;
    let row = start;
    for (const child of list.children) {
      heights.measure(row, child.getBoundingClientRect().height);
      row += 1;
    }
    setHeight(this.#before.current, heights.offsetOf(start));
    setHeight(this.#after.current, heights.total - heights.offsetOf(end));
    const top = this.#frame.scrollTop(this.#height);
    if (Math.abs(box.scrollTop - top) >= 1) box.scrollTop = top;
    this.#seenTop = box.scrollTop;
    this.#tellEnd();
    const wanted = this.#frame.range(this.#height);
    const isCovered = wanted.start >= start && wanted.end <= end;
    if (!isCovered && this.#rounds < mostRounds) {
      this.#rounds += 1;
      this.forceUpdate();
      return;
    }
    this.#rounds = 0;
    this.#focusWanted();
    this.#askForMore();
  }

  /** Whether the person has scrolled since. */
  #learn(): boolean {
    const box = this.#box.current;
    if (box === null || Math.abs(box.scrollTop - this.#seenTop) < 1) return false;
    this.#seenTop = box.scrollTop;
    const { hasNewer } = this.props.conversation.window;
    this.#frame.scrolled({ scrollTop: box.scrollTop, height: this.#height }, isMessage, hasNewer);
    return true;
  }

  #scrolled(): void {
    if (!this.#learn()) return;
    const wanted = this.#frame.range(this.#height);
    if (wanted.start < this.#drawn.start || wanted.end > this.#drawn.end) this.forceUpdate();
    else this.#askForMore();
    this.#tellEnd();
  }

  #resized(): void {
    const box = this.#box.current;
    if (box === null) return;
    if (box.clientWidth !== this.#width) this.#frame.heights.forget();
    this.#width = box.clientWidth;
    this.#height = box.clientHeight;
    this.#rows = null;
    this.forceUpdate();
  }

  #askForMore(): void {
    const { surroundings, conversation, rows } = this.props;
    const { start, end } = this.#frame.range(this.#height);
    if (conversation.window.hasOlder && start < nearRows) void surroundings.app.loadOlder();
    if (conversation.window.hasNewer && end > rows.length - nearRows) void surroundings.app.loadNewer();
  }

  #tellEnd(): void {
    const isAtEnd = this.#frame.isAtEnd(this.#height) && !this.props.conversation.window.hasNewer;
    this.props.onAtEnd(isAtEnd);
    const marker = this.#frame.heights.indexOf('unread');
    const top = this.#frame.scrollTop(this.#height);
    const isMarkerAbove = marker >= 0 && this.#frame.heights.offsetOf(marker) < top - 8;
    if (isAtEnd === this.state.isAtEnd && isMarkerAbove === this.state.isMarkerAbove) return;
    this.setState({ isAtEnd, isMarkerAbove });
  }

  #activate(target: EventTarget | null): void {
    const row = target instanceof Element ? target.closest('[data-sequence]') : null;
    const activeKey = row?.getAttribute('data-key') ?? null;
    if (activeKey === this.state.activeKey) return;
    this.setState({ activeKey, choosingKey: null });
  }

  // ——— walking through the messages by keyboard

  #key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey || !(event.target instanceof Element)) return;
    const row = event.target.closest('[data-key]');
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (step !== undefined && (row === event.target || event.target === this.#box.current)) {
      event.preventDefault();
      this.#walk(row?.getAttribute('data-key') ?? null, step);
      return;
    }
    const message = this.#messageOf(row);
    if (message === null || row !== event.target) return;
    const action = actionOf(event.key, message, this.props);
    if (action === null) return;
    event.preventDefault();
    this.#act(action, message);
  }

  #messageOf(row: Element | null): MessageEntry | null {
    const sequence = Number(row?.getAttribute('data-sequence') ?? Number.NaN);
    return messageAt(this.props.conversation.window, sequence);
  }

  #walk(from: string | null, step: number): void {
    const { heights } = this.#frame;
    let row = from === null ? heights.count : heights.indexOf(from);
    if (from === null && step > 0) row = this.#drawn.start - 1;
    do row += step;
    while (row >= 0 && row < heights.count && !isMessage(heights.keyAt(row) ?? ''));
    const key = heights.keyAt(row);
    if (key === null) return;
    this.#focusKey = key;
    if (row >= this.#drawn.start && row < this.#drawn.end) this.#focusWanted();
    else {
      this.#frame.hold(key, this.#height / 2);
      this.forceUpdate();
    }
  }

  #focusWanted(): void {
    if (this.#focusKey === null) return;
    const row = this.#list.current?.querySelector(`[data-key="${this.#focusKey}"]`);
    if (!(row instanceof HTMLElement)) return;
    this.#focusKey = null;
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: 'nearest' });
  }
}

function isMessage(key: string): boolean {
  return key.startsWith('m') || key.startsWith('o');
}

function setHeight(element: HTMLElement | null, height: number): void {
  if (element !== null) element.style.height = `${Math.max(0, height)}px`;
}
