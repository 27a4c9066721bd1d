/** Which session speaks which dialect, with what the configuration says of each. */
import { unreachable } from '../../../base/assert.ts';
import type { Clock } from '../../../base/clock.ts';
import type { LineDialect } from '../errors.ts';
import type { LineOutput, LineSession, OpenSession } from '../line-connection.ts';
import { Desk, type DeskDependencies, type Dialect } from './desk.ts';
import { MessengerDialect } from './messenger.ts';
import { PipeDialect } from './pipe.ts';
import { RegistryDialect } from './registry.ts';
import { SlashDialect } from './slash.ts';
import { WordsDialect } from './words.ts';

export interface DialectOptions {
  readonly clock: Clock;
  readonly revealUnknownUser: boolean;
  readonly broadcastMs: number;
  /** Where this node's chat port is. */
  readonly home: { readonly host: string; readonly port: number };
}

/** What one listener says of its connections. */
export interface Listener {
  /** It speaks one dialect only. */
  readonly fixed: boolean;
  readonly dialBack: boolean;
  /** It belongs to this group. */
  readonly group: string | null;
}

export const sharedListener: Listener = { fixed: false, dialBack: false, group: null };

export class Dialects {
  readonly #dependencies: DeskDependencies;
  readonly #options: DialectOptions;

  constructor(dependencies: DeskDependencies, options: DialectOptions) {
    this.#dependencies = dependencies;
    this.#options = options;
  }

  /** For the connections of one listener. */
  at(listener: Listener): OpenSession {
    return (dialect, output) => this.open(dialect, output, listener);
  }

  open(name: LineDialect, output: LineOutput, listener: Listener): LineSession {
    return new Desk(this.#dependencies, output, name, (desk) => this.#dialect(name, desk, listener));
  }

  #dialect(name: LineDialect, desk: Desk, listener: Listener): Dialect {
    const { clock, revealUnknownUser, broadcastMs, home } = this.#options;
    switch (name) {
      case 'pipe':
        return new PipeDialect(desk, { revealUnknownUser });
      case 'messenger':
        return new MessengerDialect(desk, { clock, dialBack: listener.dialBack });
      case 'slash':
        return new SlashDialect(desk, { clock, broadcastMs, bareNames: listener.fixed });
      case 'words':
        return new WordsDialect(desk);
      case 'registry':
        return new RegistryDialect(desk, { group: listener.group, home });
      default:
        unreachable(name);
    }
  }
}
