/** What is asked for is asked about once more, in words that say what it means; then what became of it. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { NewPlace, Order, Outcome } from './commands.ts';
import type { Catalogue } from './texts/texts.ts';

interface Props {
  readonly order: Order | 'add';
  readonly texts: Catalogue;
  /** Numbers that are taken. */
  readonly taken: readonly number[];
  readonly carryOut: (order: Order) => Promise<Outcome>;
  readonly onClose: () => void;
}

export function OrderDialog({ order, texts, taken, carryOut, onClose }: Props): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const [outcome, setOutcome] = useState<Outcome | 'working' | null>(null);
  const [place, setPlace] = useState<Draft>({ ...emptyDraft, node: String(Math.max(0, ...taken) + 1) });
  useEffect(() => {
    const { current } = dialog;
    current?.showModal();
    return () => current?.close();
  }, []);
  const kind = order === 'add' ? 'add' : order.kind;
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setOutcome('working');
    const answer = await carryOut(order === 'add' ? orderOf(place) : order);
    setOutcome(answer);
    if (answer.kind === 'done') onClose();
  };
  const isWorking = outcome === 'working';
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="order-title" onClose={onClose}>
      <form class="form" onSubmit={(event) => void submit(event)}>
        <h2 id="order-title">{texts.order[kind]}</h2>
        {order === 'add' ? (
          <AddFields draft={place} onChange={setPlace} texts={texts} />
        ) : (
          <p>{questionOf(order, texts)}</p>
        )}
        <p class="outcome" role="status">
          {outcomeText(outcome, texts)}
        </p>
        <div class="buttons">
          <button type="button" onClick={onClose}>
            {texts.order.cancel}
          </button>
          <button
            type="submit"
            class={kind === 'lead' || kind === 'add' ? 'primary' : 'danger'}
            disabled={isWorking}
          >
            {texts.order.go[kind]}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function questionOf(order: Order, { order: { ask } }: Catalogue): string {
  return order.kind === 'add' ? '' : ask[order.kind](order.node);
}

function outcomeText(outcome: Outcome | 'working' | null, { order }: Catalogue): string {
  if (outcome === null) return '';
  if (outcome === 'working') return order.working;
  switch (outcome.kind) {
    case 'done':
      return order.done;
    case 'refused':
      return order.refused(outcome.text);
    case 'unknown':
      return order.unknown;
    default:
      return outcome satisfies never;
  }
}

interface Draft {
  readonly node: string;
  readonly runs: boolean;
  readonly host: string;
  readonly peerPort: string;
  readonly chatPort: string;
  readonly httpPort: string;
}

const emptyDraft: Draft = { node: '', runs: true, host: '', peerPort: '', chatPort: '', httpPort: '' };

function orderOf({ node, runs, host, peerPort, chatPort, httpPort }: Draft): Order {
  const place: NewPlace = {
    host,
    peerPort: Number(peerPort),
    chatPort: Number(chatPort),
    httpPort: Number(httpPort),
  };
  return { kind: 'add', node: Number(node), place: runs ? null : place };
}

interface AddProps {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
  readonly texts: Catalogue;
}

const ports = ['peerPort', 'chatPort', 'httpPort'] as const;

function AddFields({ draft, onChange, texts: { add } }: AddProps): JSX.Element {
  const set = (more: Partial<Draft>): void => onChange({ ...draft, ...more });
  return (
    <>
      <p>{add.explain}</p>
      <Field label={add.node}>
        {(id) => (
          <input
            id={id}
            required
            inputMode="numeric"
            pattern="[1-9][0-9]{0,3}"
            value={draft.node}
            onInput={({ currentTarget: { value } }) => set({ node: value })}
          />
        )}
      </Field>
      <label class="check">
        <input
          type="checkbox"
          checked={draft.runs}
          onInput={({ currentTarget: { checked } }) => set({ runs: checked })}
        />
        {add.runs}
      </label>
      {draft.runs ? null : (
        <>
          <Field label={add.host}>
            {(id) => (
              <input
                id={id}
                required
                value={draft.host}
                onInput={({ currentTarget: { value } }) => set({ host: value })}
              />
            )}
          </Field>
          {ports.map((port) => (
            <Field key={port} label={add[port]}>
              {(id) => (
                <input
                  id={id}
                  required
                  inputMode="numeric"
                  pattern="[1-9][0-9]{0,4}"
                  value={draft[port]}
                  onInput={({ currentTarget: { value } }) => set({ [port]: value })}
                />
              )}
            </Field>
          ))}
        </>
      )}
    </>
  );
}

interface FieldProps {
  readonly label: string;
  readonly children: (id: string) => ComponentChildren;
}

export function Field({ label, children }: FieldProps): JSX.Element {
  const id = useId();
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      {children(id)}
    </div>
  );
}
