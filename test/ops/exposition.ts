/**
 * The text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/), read as strictly as it is written: for tests. Throws
 * with the line that is wrong.
 */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

const namePattern = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const samplePattern = new RegExp(`^(${namePattern})(?:\\{(.*)\\})? (\\S+)$`);
const labelPattern = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/;
const types = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, Family & { readonly samples: Sample[] }>();
  const seen = new Set<string>();
  let help: { name: string; text: string } | null = null;
  let current: (Family & { readonly samples: Sample[] }) | null = null;
  for (const line of text.slice(0, -1).split('\n')) {
    if (line === '') continue;
    const [, kind, name = '', rest = ''] =
      new RegExp(`^# (HELP|TYPE) (${namePattern}) (.+)$`).exec(line) ?? [];
    if (kind === 'HELP') {
      help = { name, text: rest };
      continue;
    }
    if (kind === 'TYPE') {
      if (help?.name !== name || families.has(name) || !types.includes(rest)) throw new Error(line);
      current = { name, type: rest, help: help.text, samples: [] };
      families.set(name, current);
      continue;
    }
    const sample = sampleOf(line);
    if (current === null || !belongs(sample.name, current)) throw new Error(`of another family: ${line}`);
    const identity = line.slice(0, line.lastIndexOf(' '));
    if (seen.has(identity)) throw new Error(`twice: ${line}`);
    seen.add(identity);
    current.samples.push(sample);
  }
  for (const family of families.values()) checkFamily(family);
  return families;
}

function sampleOf(line: string): Sample {
  const [, name, labelText = '', valueText = ''] = samplePattern.exec(line) ?? [];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  const labels = new Map<string, string>();
  for (let rest = labelText; rest !== ''; ) {
    const [whole = '', label, value] = labelPattern.exec(rest) ?? [];
    if (label === undefined || value === undefined || labels.has(label)) throw new Error(`labels: ${line}`);
    labels.set(label, value);
    rest = rest.slice(whole.length);
  }
  const value = valueText === '+Inf' ? Number.POSITIVE_INFINITY : Number(valueText);
  if (Number.isNaN(value) && valueText !== 'NaN') throw new Error(`no number: ${line}`);
  return { name, labels, value };
}

function belongs(sample: string, { name, type }: Family): boolean {
  if (type !== 'histogram') return sample === name;
  return ['_bucket', '_sum', '_count'].some((end) => sample === name + end);
}

/** Beyond the grammar: the conventions that `promtool check metrics` holds names to, and what a histogram must be. */
function checkFamily({ name, type, samples }: Family): void {
  if ((type === 'counter') !== name.endsWith('_total')) throw new Error(`${name} is a ${type}`);
  if (type === 'counter' && samples.some(({ value }) => value < 0)) throw new Error(`${name} is negative`);
  if (type !== 'summary' && samples.some(({ labels }) => labels.has('quantile')))
    throw new Error(`${name} has quantiles`);
  if (type !== 'histogram') return;
  const buckets = samples.filter((sample) => sample.name.endsWith('_bucket'));
  const bounds = buckets.map(({ labels }) =>
    labels.get('le') === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.get('le')),
  );
  const rises = (values: readonly number[]): boolean =>
    values.every((value, at) => at === 0 || value >= (values[at - 1] ?? 0));
  const count = samples.find((sample) => sample.name.endsWith('_count'))?.value;
  const isWhole =
    rises(bounds) && rises(buckets.map(({ value }) => value)) && bounds.at(-1) === Number.POSITIVE_INFINITY;
  if (!isWhole || buckets.at(-1)?.value !== count) throw new Error(`${name} is no histogram`);
}
