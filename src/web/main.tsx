/** The page: the browser's ports, the session, the first picture. */
import './styles/page.css';
import { render } from 'preact';
import { seededRandom } from '../base/prng.ts';
import { systemClock } from '../base/system-clock.ts';
import { addressFor, invitationIn } from './model/route.ts';
import { seedsOf, standardPort } from './model/seeds.ts';
import { browserDoor } from './platform/door.ts';
import { claimSession, keepIn, notify } from './platform/keeps.ts';
import { browserDigest, browserSecrets, callerOf, dialerOf } from './platform/ports.ts';
import { App } from './session/app.ts';
import { Root } from './views/root.tsx';

const isSecure = location.protocol === 'https:';
/** A page that nobody sees is given no pictures to draw; its title is kept up to date all the same. */
const hiddenMs = 200;

/** Before the next picture; where there is none, a little later. */
function beforeNextPicture(action: () => void): void {
  let isDone = false;
  const once = (): void => {
    if (isDone) return;
    isDone = true;
    action();
  };
  requestAnimationFrame(once);
  setTimeout(once, hiddenMs);
}

const invitation = invitationIn(location.hash);
// A code is not to stay in the history of the browser.
if (invitation !== '') history.replaceState(null, '', location.pathname);

const own = {
  host: location.hostname.replace(/^\[|\]$/g, ''),
  port: Number(location.port) || standardPort(location.protocol),
};
const app = App.open(
  {
    nodes: seedsOf(own, document.querySelector<HTMLMetaElement>('meta[name=conclave-nodes]')?.content ?? ''),
    clock: systemClock,
    random: seededRandom(Number.parseInt(browserSecrets.hex(6), 16)),
    dialer: dialerOf(isSecure),
    secrets: browserSecrets,
    files: { http: callerOf(isSecure), digest: browserDigest },
    door: browserDoor,
    tab: keepIn(sessionStorage),
    browser: keepIn(localStorage),
    claim: claimSession,
    notify: (title, text, address) =>
      notify(title, text, () => {
        location.hash = addressFor(address);
      }),
  },
  beforeNextPicture,
);

// What has not been confirmed is kept over a reload, but a closed tab does not come back.
window.addEventListener('beforeunload', (event) => {
  if (!app.isSettled) event.preventDefault();
});

const root = document.getElementById('root');
if (root !== null) render(<Root app={app} invitation={invitation} />, root);
