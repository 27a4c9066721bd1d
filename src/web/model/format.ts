/** Times, sizes and durations as people of a language read them. Pure: the caller brings the time. */

export interface Formats {
  /** `14:05` */
  time(atMs: number): string;
  /** A day, as a heading: `Thursday, 26 November`. */
  day(atMs: number): string;
  /** The whole moment. */
  moment(atMs: number): string;
  /** The time on the same day, the day before. */
  brief(atMs: number, nowMs: number): string;
  bytes(count: number): string;
  /** `0.4 s`, and what is shorter than a tenth as `40 ms`. */
  duration(ms: number): string;
  number(value: number): string;
  /** Differs from day to day. */
  dayNumber(atMs: number): number;
}

const units = ['B', 'KiB', 'MiB', 'GiB'] as const;

/** `timeZone`: the system's if left out. */
export function formatsOf(locale: string, timeZone?: string): Formats {
  const zone = timeZone === undefined ? {} : { timeZone };
  const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', ...zone });
  const day = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', ...zone });
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'medium', ...zone });
  const date = new Intl.DateTimeFormat(locale, {
    day: '2-digit',
    month: '2-digit',
    year: '2-digit',
    ...zone,
  });
  const stamp = new Intl.DateTimeFormat('en-CA', { dateStyle: 'short', ...zone });
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const days = new Map<number, number>();
  const dayNumber = (atMs: number): number => {
    // A quarter of an hour lies in one day, in every zone: the platform is asked once for each.
    const quarter = Math.floor(atMs / 900_000);
    const known = days.get(quarter);
    if (known !== undefined) return known;
    const found = Number(stamp.format(quarter * 900_000).replaceAll('-', ''));
    if (days.size > 10_000) days.clear();
    days.set(quarter, found);
    return found;
  };
  return {
    time: (atMs) => time.format(atMs),
    day: (atMs) => day.format(atMs),
    moment: (atMs) => moment.format(atMs),
    brief: (atMs, nowMs) => (dayNumber(atMs) === dayNumber(nowMs) ? time.format(atMs) : date.format(atMs)),
    bytes(count) {
      let unit = 0;
      let size = count;
      while (size >= 1_024 && unit < units.length - 1) {
        size /= 1_024;
        unit += 1;
      }
      return `${number.format(size)} ${units[unit] ?? ''}`;
    },
    duration: (ms) => (ms < 95 ? `${Math.max(1, Math.round(ms))} ms` : `${tenths.format(ms / 1_000)} s`),
    number: (value) => number.format(value),
    dayNumber,
  };
}
