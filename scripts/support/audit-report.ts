/** What `npm audit --json` said → whether a release may leave. Pure. */
export type AuditVerdict =
  | { readonly kind: 'clean'; readonly lesser: number }
  | { readonly kind: 'vulnerable'; readonly findings: readonly string[] }
  | { readonly kind: 'unanswered'; readonly reason: string };

const grave = new Set(['high', 'critical']);

export function judgeAudit(text: string): AuditVerdict {
  const report = parse(text);
  if (report === null || !isRecord(report.vulnerabilities)) {
    const reason = typeof report?.message === 'string' ? report.message : 'the registry gave no report';
    return { kind: 'unanswered', reason: reason.split('\n')[0] ?? reason };
  }
  const found = Object.entries(report.vulnerabilities).map(([name, entry]) => ({
    name,
    ...severityOf(entry),
  }));
  const findings = found
    .filter(({ severity }) => grave.has(severity))
    .map(({ name, severity, range }) => `${severity}: ${name} ${range}`);
  if (findings.length > 0) return { kind: 'vulnerable', findings };
  return { kind: 'clean', lesser: found.length };
}

/** What cannot be understood counts as grave. */
function severityOf(entry: unknown): { readonly severity: string; readonly range: string } {
  if (!isRecord(entry) || typeof entry.severity !== 'string')
    return { severity: 'critical', range: '(unreadable)' };
  return { severity: entry.severity, range: typeof entry.range === 'string' ? entry.range : '' };
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : null;
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
