/**
 * What a name looks like, so that one can be told from another: letters of other scripts stand for the Latin ones that they are drawn like
 * (after the confusables of Unicode Technical Standard 39, the letters only). A fixed table: all nodes must agree, whatever their platform's
 * version of Unicode.
 */
import { foldName } from './names.ts';

/** Latin letter → what is drawn like it, in small letters. */
const lookalikes: Readonly<Record<string, string>> = {
  a: 'аαɑａ',
  b: 'ьЬƅ',
  c: 'сϲᴄｃ',
  d: 'ԁｄ',
  e: 'еҽｅ',
  f: 'ſք',
  g: 'ɡցｇ',
  h: 'һհｈ',
  i: 'іιıɩｉ',
  j: 'јϳｊ',
  k: 'кκｋ',
  l: '1ӏⅼｌ',
  m: 'мｍ',
  n: 'ոпｎ',
  o: '0оοօσｏ',
  p: 'рρｐ',
  q: 'ԛզｑ',
  r: 'гᴦｒ',
  s: 'ѕｓ',
  t: 'тτｔ',
  u: 'υսｕ',
  v: 'νѵｖ',
  w: 'ԝωѡա',
  x: 'хχｘ',
  y: 'уγүｙ',
  z: 'ᴢｚ',
};

const letterOf: ReadonlyMap<string, string> = new Map(
  Object.entries(lookalikes).flatMap(([letter, drawn]) => [...drawn].map((char) => [char, letter])),
);

export function skeletonOf(name: string): string {
  let skeleton = '';
  for (const char of foldName(name)) skeleton += letterOf.get(char) ?? char;
  return skeleton.replaceAll('rn', 'm').replaceAll('vv', 'w');
}
