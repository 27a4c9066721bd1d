/** Language, appearance, notifications: of this browser. */
import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { LanguageChoice, ThemeChoice } from '../model/app-state.ts';
import { catalogues } from '../texts/texts.ts';
import { useApp, useSelect, useTexts } from './context.ts';
import { DialogFrame } from './dialog-frame.tsx';

export function SettingsDialog(): JSX.Element {
  const app = useApp();
  const texts = useTexts();
  const { language, theme, notifies } = useSelect((state) => state.settings);
  const [isDenied, setDenied] = useState(false);
  const notify = async (wanted: boolean): Promise<void> => {
    const isAllowed = !wanted || (await Notification.requestPermission()) === 'granted';
    setDenied(!isAllowed);
    app.settings.choose({ notifies: wanted && isAllowed });
  };
  return (
    <DialogFrame title={texts.settings.title}>
      <Choice<LanguageChoice>
        label={texts.settings.language}
        value={language}
        choices={[
          ['system', texts.settings.system],
          ['en', catalogues.en.name],
          ['de', catalogues.de.name],
        ]}
        onChoose={(chosen) => app.settings.choose({ language: chosen })}
      />
      <Choice<ThemeChoice>
        label={texts.settings.theme}
        value={theme}
        choices={[
          ['system', texts.settings.system],
          ['light', texts.settings.light],
          ['dark', texts.settings.dark],
        ]}
        onChoose={(chosen) => app.settings.choose({ theme: chosen })}
      />
      <label class="check">
        <input
          type="checkbox"
          checked={notifies}
          onChange={(event) => void notify(event.currentTarget.checked)}
        />
        <span>
          {texts.settings.notifications}
          <span class="hint">{texts.settings.notificationsHint}</span>
        </span>
      </label>
      <p class="fault" role="alert">
        {isDenied ? texts.settings.notificationsDenied : null}
      </p>
      <p>
        <a href="/cluster/ui">{texts.settings.cluster}</a>
      </p>
      <button type="button" onClick={() => app.store.set({ dialog: { kind: 'help' } })}>
        {texts.help.title}
      </button>
    </DialogFrame>
  );
}

function Choice<T extends string>(props: {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly (readonly [T, string])[];
  readonly onChoose: (value: T) => void;
}): JSX.Element {
  const id = useId();
  const { label, value, choices, onChoose } = props;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        onChange={(event) => {
          const found = choices.find(([choice]) => choice === event.currentTarget.value);
          if (found !== undefined) onChoose(found[0]);
        }}
      >
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
