/** A message's text. Every piece of it is a text node: whatever it holds, it is shown as it was written (SECURITY 24). */
import type { JSX } from 'preact';
import { partsOf, type TextPart } from '../model/text-parts.ts';
import { Pure } from './pure.ts';

interface Props {
  readonly text: string;
  readonly me: string;
}

export class MessageText extends Pure<Props> {
  override render(): JSX.Element {
    const { text, me } = this.props;
    return (
      <div class="text" dir="auto">
        {partsOf(text).map((part, at) => drawPart(part, at, me))}
      </div>
    );
  }
}

function drawPart(part: TextPart, at: number, me: string): JSX.Element | string {
  switch (part.kind) {
    case 'text':
      return part.text;
    case 'link':
      return (
        <a key={at} href={part.address} target="_blank" rel="noopener noreferrer nofollow">
          {part.text}
        </a>
      );
    case 'mention': {
      const isMe = part.name.toLowerCase() === me.toLowerCase();
      return (
        <span key={at} class={`mention${isMe ? ' mention-me' : ''}`}>
          {part.text}
        </span>
      );
    }
    case 'code':
      return <code key={at}>{part.text}</code>;
    case 'block':
      return (
        <pre key={at}>
          <code>{part.text}</code>
        </pre>
      );
  }
}
