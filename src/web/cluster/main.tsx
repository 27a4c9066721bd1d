/** The cluster view: the browser's ports, the watch over the nodes, the first picture. */
import './cluster.css';
import { render } from 'preact';
import { systemClock } from '../../base/system-clock.ts';
import { keepIn } from '../platform/keeps.ts';
import { readSettings } from '../session/settings.ts';
import { PageCaller } from './caller.ts';
import { carryOut } from './commands.ts';
import { Page } from './page.tsx';
import { type Place, textIn } from './ports.ts';
import { catalogueFor } from './texts/texts.ts';
import { Watch } from './watch.ts';

const isSecure = location.protocol === 'https:';
const own: Place = { host: location.hostname, port: Number(location.port) || (isSecure ? 443 : 80) };
// What was chosen in the chat counts here, too.
const settings = readSettings(keepIn(localStorage));
const texts = catalogueFor(settings.language, navigator.languages);
const caller = new PageCaller(isSecure);
const watch = new Watch(caller, own, systemClock);

document.documentElement.lang = texts.code;
document.documentElement.dataset.theme = settings.theme;
document.title = texts.pageTitle;

/** What is wrong, or null. */
async function logIn(user: string, password: string): Promise<string | null> {
  for (const place of [own, ...watch.answering()]) {
    const said = await caller.post(place, '/api/v1/sessions', { user, password });
    const token = textIn(said, 'token');
    if (token !== null) {
      caller.use(token);
      await watch.again();
      return null;
    }
    if (said !== null && said.status !== 503) return textIn(said, 'detail') ?? `HTTP ${said.status}`;
  }
  return texts.entrance.noNode;
}

/** Names a request through its repetitions. */
function newTag(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

await watch.again();
// Whoever is logged in to the chat need not say so again.
if (watch.state.access === 'login' && (await caller.derive(own))) await watch.again();
watch.start();

const root = document.getElementById('root');
if (root !== null) {
  render(
    <Page
      watch={watch}
      texts={texts}
      logIn={logIn}
      carryOut={(order) => carryOut(order, watch, caller, newTag())}
    />,
    root,
  );
}
