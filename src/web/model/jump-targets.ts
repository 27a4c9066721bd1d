/** Where one can go from what has been typed: known conversations first, then people, then groups one is not in. */
import type { GroupEntry, UserEntry } from '../../protocol/requests.ts';
import { type Conversations, inOrder, lobbyAddress } from './conversations.ts';

export type JumpTarget =
  | { readonly kind: 'open'; readonly address: string; readonly title: string; readonly unread: number }
  | { readonly kind: 'join'; readonly name: string; readonly closed: boolean }
  | { readonly kind: 'create'; readonly name: string };

export interface JumpQuestion {
  readonly text: string;
  readonly me: string;
  readonly conversations: Conversations;
  readonly people: readonly UserEntry[];
  readonly groups: readonly GroupEntry[];
  /** What the lobby is called. */
  readonly lobby: string;
}

const most = 40;
const groupName = /^[A-Za-z0-9_-]{1,32}$/;

export function targetsFor(question: JumpQuestion): readonly JumpTarget[] {
  const { text, me, conversations, people, groups, lobby } = question;
  const wanted = text.replace(/^[@#]/, '').toLowerCase();
  const fits = (name: string): boolean => name.toLowerCase().includes(wanted);
  const seen = new Set<string>();
  const targets: JumpTarget[] = [];
  const open = (address: string, title: string, unread: number): void => {
    if (seen.has(address)) return;
    seen.add(address);
    targets.push({ kind: 'open', address, title, unread });
  };
  for (const { name, unread } of inOrder(conversations)) {
    const title = name === lobbyAddress ? lobby : name;
    if (fits(title) || fits(name)) open(name, title, unread);
  }
  if (!text.startsWith('#')) {
    for (const { name } of people) if (name !== me && fits(name)) open(name, name, 0);
  }
  if (!text.startsWith('@')) {
    if (fits(lobby) || fits(lobbyAddress)) open(lobbyAddress, lobby, 0);
    for (const { name, closed, joined } of groups) {
      if (!fits(name) || seen.has(`#${name}`)) continue;
      if (joined) open(`#${name}`, `#${name}`, 0);
      else targets.push({ kind: 'join', name, closed });
    }
    const isTaken = groups.some(({ name }) => name.toLowerCase() === wanted);
    if (wanted !== '' && !isTaken && groupName.test(wanted) && text.startsWith('#')) {
      targets.push({ kind: 'create', name: text.slice(1) });
    }
  }
  return targets.slice(0, most);
}
