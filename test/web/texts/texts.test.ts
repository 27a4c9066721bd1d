import t from 'tap';
import { errorTable } from '../../../src/base/errors.ts';
import { afterList } from '../../../src/web/model/conversations.ts';
import { formatsOf } from '../../../src/web/model/format.ts';
import { targetsFor } from '../../../src/web/model/jump-targets.ts';
import { addressFor, conversationIn, invitationIn } from '../../../src/web/model/route.ts';
import { catalogueFor, catalogues, errorText } from '../../../src/web/texts/texts.ts';
import { entry } from '../model/samples.ts';

/** Every text of a catalogue by its place; functions are asked with one argument that fits both kinds. */
function textsOf(value: unknown, place: string): [string, string][] {
  if (typeof value === 'string') return [[place, value]];
  if (typeof value === 'function')
    return [[place, String(value(place.endsWith('typing') ? ['x', 'y'] : 7, '7'))]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textsOf(inner, `${place}.${key}`));
}

t.test('texts: German says everything that English says, in its own words', async (t) => {
  const english = new Map(textsOf({ ...catalogues.en, errors: {} }, ''));
  const german = new Map(textsOf({ ...catalogues.de, errors: {} }, ''));
  t.same([...german.keys()], [...english.keys()]);
  const sameInBoth =
    /^\.(entrance\.(title|user|password)|list\.(draft|online|offline)|message\.reacted|connection\.short|account\.password|help\.keys|search\.more|group\.(leave|title))/;
  const untranslated = [...english].filter(
    ([place, text]) => german.get(place) === text && !sameInBoth.test(place) && /[a-z]{3}/i.test(text),
  );
  t.same(untranslated, []);
  t.same(
    [...english, ...german].filter(([, text]) => text.trim() === ''),
    [],
  );
});

t.test('texts: the language is the chosen one, or the first of the browser that is spoken', async (t) => {
  t.equal(catalogueFor('system', ['fr-FR', 'de-AT', 'en']).code, 'de');
  t.equal(catalogueFor('system', ['fr']).code, 'en');
  t.equal(catalogueFor('en', ['de']).code, 'en');
});

t.test('texts: an error is told in the language, or in the words of the table', async (t) => {
  t.match(errorText(catalogues.de, 'BAD_CREDENTIALS'), /falsch/);
  t.equal(errorText(catalogues.en, 'BAD_CREDENTIALS', 'as the node says'), 'as the node says');
  t.equal(errorText(catalogues.de, 'INTERNAL'), errorTable.INTERNAL.text);
});

t.test('formats: times, days, sizes and durations', async (t) => {
  const formats = formatsOf('en-GB', 'Europe/Berlin');
  const noon = Date.UTC(2026, 10, 26, 11, 5);
  t.equal(formats.time(noon), '12:05');
  t.match(formats.day(noon), /Thursday.*26 November/);
  t.equal(formats.brief(noon, noon + 3_600_000), '12:05');
  t.equal(formats.brief(noon, noon + 86_400_000), '26/11/26');
  t.equal(formats.dayNumber(Date.UTC(2026, 10, 26, 23, 1)), 20_261_127, 'the local day');
  t.equal(formats.bytes(1_536), '1.5 KiB');
  t.equal(formats.bytes(7), '7 B');
  t.equal(formats.duration(41), '41 ms');
  t.equal(formats.duration(96), '0.1 s');
  t.equal(formatsOf('de').duration(20_000), '20,0 s');
});

t.test('route: a conversation and an invitation in the address of the page', async (t) => {
  for (const name of ['bob', '#team', '#lobby']) t.equal(conversationIn(addressFor(name)), name);
  for (const hash of ['', '#/', '#invite=x', '#/%']) t.equal(conversationIn(hash), null, hash);
  t.equal(invitationIn('#invite=AB%20C'), 'AB C');
  t.equal(invitationIn('#/bob'), '');
});

t.test('jump: known conversations first, then people, then groups to join, then a new one', async (t) => {
  const question = {
    me: 'ann',
    conversations: afterList(new Map(), [entry()]),
    people: ['ann', 'bob', 'bonnie'].map((name) => ({ name, online: false })),
    groups: ['books', 'cats'].map((name) => ({
      conversation: name,
      name,
      members: 1,
      closed: true,
      joined: name === 'cats',
      owner: null,
      address: null,
      createdMs: 0,
    })),
    lobby: 'Lobby',
  };
  const told = (text: string): string[] =>
    targetsFor({ ...question, text }).map((target) =>
      target.kind === 'open' ? target.address : `${target.kind} ${target.name}`,
    );
  t.same(told('bo'), ['bob', 'bonnie', 'join books']);
  t.same(told('#ca'), ['#cats', 'create ca']);
  t.same(told('@bob'), ['bob']);
  t.same(told(''), ['bob', '#lobby', 'bonnie', 'join books', '#cats']);
});
