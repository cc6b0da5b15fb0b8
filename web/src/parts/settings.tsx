/** How somebody likes the page, and the way out of it. */

import type { JSX } from 'preact'
import { DENSITIES, prefer, preferences, TEXTS, THEMES, zone, ZONES } from '../model/preferences'
import { logOut, session } from '../model/session'
import { days } from '../model/state'
import { Popover } from './popover'

const WORDS: Readonly<Record<string, string>> = { auto: 'Auto', dark: 'Dark', light: 'Light', comfortable: 'Roomy', compact: 'Compact', small: 'Small', normal: 'Normal', large: 'Large' }

export function Settings(): JSX.Element | null {
  const now = session.value
  if (now.state !== 'known') return null
  const { theme, density, text, zone: of } = preferences.value
  const zones: Readonly<Record<string, string>> = {
    server: `Server (${days.value?.zone ?? 'UTC'})`,
    browser: `Here (${Intl.DateTimeFormat().resolvedOptions().timeZone})`,
    UTC: 'UTC',
  }
  return (
    <Popover label={`Settings of ${now.account.name}`} button={now.account.name} align="end" title={`Times are of ${zone.value}`}>
      {() => (
        <div class="options settings">
          <Choice title="Theme" values={THEMES} value={theme} words={WORDS} onChoose={(value) => prefer({ theme: value })} />
          <Choice title="Rows" values={DENSITIES} value={density} words={WORDS} onChoose={(value) => prefer({ density: value })} />
          <Choice title="Text" values={TEXTS} value={text} words={WORDS} onChoose={(value) => prefer({ text: value })} />
          <Choice title="Times" values={ZONES} value={of} words={zones} onChoose={(value) => prefer({ zone: value })} />
          <button type="button" onClick={() => void logOut()}>
            Log out
          </button>
        </div>
      )}
    </Popover>
  )
}

interface ChoiceProps<T extends string> {
  readonly title: string
  readonly values: readonly T[]
  readonly value: T
  readonly words: Readonly<Record<string, string>>
  readonly onChoose: (value: T) => void
}

function Choice<T extends string>({ title, values, value, words, onChoose }: ChoiceProps<T>): JSX.Element {
  return (
    <fieldset>
      <legend>{title}</legend>
      {values.map((each) => (
        <label key={each}>
          <input type="radio" name={title} checked={each === value} onChange={() => onChoose(each)} /> {words[each] ?? each}
        </label>
      ))}
    </fieldset>
  )
}
