/** SECURITY 42: what is installed beside a node, and what of it may run while it is installed. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { judgeAudit } from '../../scripts/support/audit-report.ts';

interface Locked {
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

function read(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8'));
}

const manifest = read('package.json') as {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
};
const lock = read('package-lock.json') as { readonly packages: Readonly<Record<string, Locked>> };
const locked = Object.entries(lock.packages).filter(([path]) => path !== '');

t.test(
  'supply chain: every package is held to the hash of its content, and comes from the registry',
  async (t) => {
    t.ok(locked.length > 100, 'the lock file was found');
    const loose = locked.filter(
      ([, { integrity, link }]) => link === true || !/^sha512-/.test(integrity ?? ''),
    );
    t.strictSame(loose, []);
    const elsewhere = locked.filter(
      ([, { resolved }]) => resolved !== undefined && !/^https:\/\/registry\./.test(resolved),
    );
    t.strictSame(elsewhere, []);
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    const direct = versions.filter(
      ([name, version]) => !/^[\^~]?\d/.test(version) || lock.packages[`node_modules/${name}`] === undefined,
    );
    t.strictSame(direct, [], 'no package by address, by file, or outside the lock file');
  },
);

t.test('supply chain: install scripts are limited to the native packages that need them', async (t) => {
  const scripted = locked
    .filter(([, entry]) => entry.hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  t.strictSame(
    [...new Set(scripted)].sort(),
    Object.keys(manifest.allowScripts).sort(),
    'each was decided about',
  );
  const allowed = Object.entries(manifest.allowScripts).filter(([, may]) => may);
  t.strictSame(allowed.map(([name]) => name).sort(), ['argon2', 'classic-level']);
});

t.test(
  'supply chain: a high or critical vulnerability closes the gate, and no answer does not open it',
  async (t) => {
    const report = (severity: string): string =>
      JSON.stringify({ vulnerabilities: { pkg: { name: 'pkg', severity, range: '<1.2.3' } } });
    t.strictSame(judgeAudit('{"vulnerabilities":{}}'), { kind: 'clean', lesser: 0 });
    t.strictSame(judgeAudit(report('moderate')), { kind: 'clean', lesser: 1 });
    for (const severity of ['high', 'critical']) {
      t.strictSame(judgeAudit(report(severity)), {
        kind: 'vulnerable',
        findings: [`${severity}: pkg <1.2.3`],
      });
    }
    t.match(
      judgeAudit('{"vulnerabilities":{"pkg":{}}}'),
      { kind: 'vulnerable' },
      'what is not understood counts',
    );
    t.match(judgeAudit('{"message":"405 Method Not Allowed\\nmore"}'), {
      kind: 'unanswered',
      reason: '405 Method Not Allowed',
    });
    t.match(judgeAudit(''), { kind: 'unanswered' });
  },
);
