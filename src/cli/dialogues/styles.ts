/** The dialects that the client speaks with a person or a script; the cluster hears the native protocol in any case. */
import { randomUUID } from 'node:crypto';
import { CodedError } from '../../base/errors.ts';
import { systemClock } from '../../base/system-clock.ts';
import { slashHelp } from '../../protocol/slash.ts';
import type { Nodes } from '../cluster/nodes.ts';
import type { Arguments, Flag } from '../program/arguments.ts';
import type { Dialogue } from './dialogue.ts';
import type { Exchange } from './exchange.ts';
import { type FileTexts, pipeFileTexts, plainFileTexts, slashFileTexts } from './file-texts.ts';
import { GroupsMenu } from './groups-menu.ts';
import { MessengerMenu } from './messenger-menu.ts';
import { PipeDialogue } from './pipe-dialogue.ts';
import { SlashDialogue } from './slash-dialogue.ts';
import { WordsDialogue, wordsHelp } from './words-dialogue.ts';

const names = ['pipe', 'slash', 'words'] as const;
export type StyleName = (typeof names)[number];

export interface Style {
  readonly help: readonly string[];
  readonly fileTexts: FileTexts;
  /** Where received files are saved when nobody said where; null: they are only told. */
  readonly downloads: string | null;
  readonly open: (exchange: Exchange, config: Nodes['config'], forPerson: boolean) => Dialogue;
}

export const styleFlag: Flag = {
  name: 'dialect',
  value: 'NAME',
  help: `how to talk: ${names.join(', ')} (default pipe)`,
};

export const styles: Readonly<Record<StyleName, Style>> = {
  pipe: {
    help: PipeDialogue.help(true),
    fileTexts: pipeFileTexts,
    downloads: null,
    open: (exchange, config, forPerson) =>
      new PipeDialogue(exchange, { revealUnknownUser: config?.revealUnknownUser ?? false, forPerson }),
  },
  slash: {
    help: slashHelp(),
    fileTexts: slashFileTexts,
    downloads: 'downloads',
    open: (exchange, config, forPerson) => {
      const broadcastMs = config?.limits?.broadcastMs ?? 0;
      return new SlashDialogue(exchange, { clock: systemClock, broadcastMs, forPerson });
    },
  },
  words: {
    help: wordsHelp,
    fileTexts: plainFileTexts,
    downloads: null,
    open: (exchange) => new WordsDialogue(exchange),
  },
};

export const menuFlags: readonly Flag[] = [
  { name: 'menu', help: 'choices by number: the messenger’s, or with "--menu groups" the registry’s' },
  {
    name: 'uid',
    value: 'UUID',
    help: 'who you are in "--menu groups" (default: somebody new, whose UUID is shown)',
  },
];

const messengerMenu: Style = {
  help: [],
  fileTexts: plainFileTexts,
  downloads: null,
  open: (exchange) => new MessengerMenu(exchange),
};

function groupsMenu(uid: string | undefined): Style {
  return {
    help: [],
    fileTexts: plainFileTexts,
    downloads: null,
    open: (exchange, config) =>
      new GroupsMenu(exchange, {
        secret: uid ?? randomUUID(),
        isNew: uid === undefined,
        today: () => new Date(systemClock.wallMs()).toISOString().slice(0, 10),
        home: () => {
          const node = config?.nodes.find(({ id }) => id === exchange.client.node);
          return { host: node?.host ?? '127.0.0.1', port: node?.chatPort ?? 0 };
        },
      }),
  };
}

/** Throws CodedError USAGE. */
export function findStyle(args: Pick<Arguments, 'text' | 'has' | 'operands'>): Style {
  const [menu, ...rest] = args.operands;
  const isMenu = args.has('menu');
  const unexpected = isMenu && menu === 'groups' ? rest[0] : menu;
  if (unexpected !== undefined) throw new CodedError('USAGE', `unexpected argument "${unexpected}"`);
  if (isMenu) return menu === 'groups' ? groupsMenu(args.text('uid')) : messengerMenu;
  const given = args.text('dialect') ?? 'pipe';
  const name = names.find((known) => known === given);
  if (name === undefined)
    throw new CodedError('USAGE', `--dialect is one of ${names.join(', ')}, not "${given}"`);
  return styles[name];
}
