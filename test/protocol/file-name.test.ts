import fc from 'fast-check';
import t from 'tap';
import { numberedName, safeFileName, safeMediaType } from '../../src/protocol/file-name.ts';

t.test('file name: harmless ones stay as they are', async (t) => {
  for (const name of ['a', 'report.pdf', 'Grüße aus Köln.txt', '写真.png', 'v1.2.tar.gz', 'no extension']) {
    t.equal(safeFileName(name), name);
  }
});

t.test('file name: a path is reduced to its last part', async (t) => {
  t.equal(safeFileName('../../etc/passwd'), 'passwd');
  t.equal(safeFileName('/etc/passwd'), 'passwd');
  t.equal(safeFileName('C:\\Windows\\system32\\cmd.exe'), 'cmd.exe');
  t.equal(safeFileName('a/..'), 'file');
  t.equal(safeFileName('..'), 'file');
  t.equal(safeFileName('a/'), 'file');
  t.equal(safeFileName(''), 'file');
});

t.test('file name: what hides, reorders or escapes is made visible', async (t) => {
  t.equal(safeFileName('.bashrc'), 'bashrc');
  t.equal(safeFileName('a\u0000b\u001b[31m.txt'), 'a_b_[31m.txt');
  t.equal(safeFileName('ann\u202egpj.exe'), 'ann_gpj.exe');
  t.equal(safeFileName('zero\u200bwidth'), 'zero_width');
  t.equal(safeFileName('a\nb'), 'a_b');
  t.equal(safeFileName('a?b*c:d|e<f>g"h'), 'a_b_c_d_e_f_g_h');
  t.equal(safeFileName('name. . .'), 'name');
  t.equal(safeFileName('half \ud83d'), 'half _');
});

t.test('file name: devices of Windows are no names', async (t) => {
  for (const name of ['CON', 'con.txt', 'NUL', 'COM1', 'lpt9.log', 'AUX.tar.gz']) {
    t.equal(safeFileName(name), `_${name}`);
  }
  t.equal(safeFileName('CONTROL'), 'CONTROL');
});

t.test('file name: a long one keeps its extension', async (t) => {
  const name = safeFileName(`${'ä'.repeat(400)}.jpeg`);
  t.ok(Buffer.byteLength(name) <= 240);
  t.ok(name.endsWith('ä.jpeg'));
  t.ok(Buffer.byteLength(safeFileName('x'.repeat(1_000))) <= 240);
});

t.test('file name: whatever comes, it is a safe base name, and safe again is the same', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (wish) => {
      const name = safeFileName(wish);
      const isSafe =
        name !== '' &&
        !/[/\\\p{Cc}\p{Cf}]/u.test(name) &&
        !name.startsWith('.') &&
        Buffer.byteLength(name) <= 255;
      return isSafe && safeFileName(name) === name;
    }),
    { numRuns: 500 },
  );
});

t.test('file name: the next one to try where a name is taken', async (t) => {
  t.equal(numberedName('a.txt', 1), 'a.txt');
  t.equal(numberedName('a.txt', 2), 'a (2).txt');
  t.equal(numberedName('a', 3), 'a (3)');
  t.equal(numberedName('a.tar.gz', 2), 'a.tar (2).gz');
});

t.test('media type: only a plain one is passed on', async (t) => {
  t.equal(safeMediaType('image/PNG'), 'image/png');
  t.equal(
    safeMediaType('application/vnd.oasis.opendocument.text'),
    'application/vnd.oasis.opendocument.text',
  );
  for (const wrong of ['', 'text', 'text/html; charset=x', 'a/b\r\nx: y', '/', 'a/', `a/${'b'.repeat(80)}`]) {
    t.equal(safeMediaType(wrong), 'application/octet-stream');
  }
});
