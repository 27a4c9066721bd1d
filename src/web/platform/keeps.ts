/** The browser's storages as keeps, the claim of a session by one tab, and notifications. */
import type { Keep } from '../session/ports.ts';

const prefix = 'conclave.';

export function keepIn(storage: Storage): Keep {
  return {
    get(name) {
      try {
        return storage.getItem(prefix + name);
      } catch {
        return null;
      }
    },
    set(name, value) {
      try {
        if (value === null) storage.removeItem(prefix + name);
        else storage.setItem(prefix + name, value);
      } catch (error) {
        console.warn('nothing can be kept in this browser', error);
      }
    },
    names(beginning) {
      const all = Array.from({ length: storage.length }, (_, at) => storage.key(at) ?? '');
      return all.filter((key) => key.startsWith(prefix + beginning)).map((key) => key.slice(prefix.length));
    },
  };
}

/** A page that is being reloaded lets go of its claim a moment later than the new one asks. */
const claimMs = 1_500;

/** Held until the page is gone. Where the browser has no locks (plain HTTP from another machine), it is granted. */
export function claimSession(session: string): Promise<boolean> {
  if (!('locks' in navigator)) return Promise.resolve(true);
  return new Promise((resolve) => {
    const held = new Promise<void>(() => undefined);
    navigator.locks
      .request(`${prefix}${session}`, { signal: AbortSignal.timeout(claimMs) }, () => {
        resolve(true);
        return held;
      })
      .catch(() => resolve(false));
  });
}

export function notify(title: string, text: string, onClick: () => void): void {
  if (!('Notification' in window) || Notification.permission !== 'granted') return;
  const notification = new Notification(title, { body: text.slice(0, 200), tag: title });
  notification.onclick = () => {
    window.focus();
    notification.close();
    onClick();
  };
}
