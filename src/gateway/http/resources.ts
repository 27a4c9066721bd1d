/** What all resources share. */
import type { ChatView } from '../../chat/vocabulary/view.ts';
import type { Service } from '../requests/service.ts';
import type { SecureBytes } from '../secrets/identifiers.ts';
import type { Asker } from './answers.ts';
import type { Door } from './door.ts';

export interface Resources {
  readonly door: Door;
  readonly service: Service;
  readonly view: ChatView;
  readonly secureBytes: SecureBytes;
  readonly ask: Asker['ask'];
}
