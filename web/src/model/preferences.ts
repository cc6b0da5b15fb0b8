/** How somebody likes the page: kept in the browser, for each account by itself. */

import { computed, effect, signal } from '@preact/signals'
import { session } from './session'
import { days } from './state'

export const THEMES = ['auto', 'dark', 'light'] as const
export const DENSITIES = ['comfortable', 'compact'] as const
export const TEXTS = ['small', 'normal', 'large'] as const
export const ZONES = ['server', 'browser', 'UTC'] as const

export interface Preferences {
  readonly theme: (typeof THEMES)[number]
  readonly density: (typeof DENSITIES)[number]
  readonly text: (typeof TEXTS)[number]
  readonly zone: (typeof ZONES)[number]
  /** Columns of the table that are not shown. */
  readonly hidden: readonly string[]
  /** Widths of columns that were changed, pixels. */
  readonly widths: Readonly<Record<string, number>>
  /** Width of the detail, pixels. */
  readonly detail: number
}

/** Columns that are not shown until somebody asks for them. */
const HIDDEN_AT_FIRST = ['site', 'sensor', 'reference', 'triage']

export const DEFAULTS: Preferences = {
  theme: 'auto',
  density: 'comfortable',
  text: 'normal',
  zone: 'server',
  hidden: HIDDEN_AT_FIRST,
  widths: {},
  detail: 480,
}

export const preferences = signal<Preferences>(DEFAULTS)

/** The zone that times are shown in. */
export const zone = computed(() => {
  switch (preferences.value.zone) {
    case 'server':
      return days.value?.zone ?? 'UTC'
    case 'browser':
      return Intl.DateTimeFormat().resolvedOptions().timeZone
    case 'UTC':
      return 'UTC'
  }
})

/** How wide text is, beside the normal size. */
export const textScale = computed(() => [0.93, 1, 1.14][TEXTS.indexOf(preferences.value.text)] ?? 1)

/** Height of a row of a table, pixels: text of its size with room around it. */
export const rowHeight = computed(() => {
  const { density, text } = preferences.value
  return (density === 'compact' ? 26 : 34) + 3 * (TEXTS.indexOf(text) - 1)
})

const account = computed(() => (session.value.state === 'known' ? session.value.account.name : undefined))
const keyOf = (name: string): string => `maltrail.preferences.${name}`

/** Changes what somebody likes, and remembers it where the browser lets it. */
export function prefer(change: Partial<Preferences>): void {
  preferences.value = { ...preferences.peek(), ...change }
  const name = account.peek()
  if (name === undefined) return
  try {
    localStorage.setItem(keyOf(name), JSON.stringify(preferences.peek()))
  } catch {
    // A browser that keeps nothing: it lasts as long as the page.
  }
}

/** Reads what was kept; whatever is not as it should be is left as it is without. */
export function readPreferences(text: string | null): Preferences {
  let kept: unknown
  try {
    kept = JSON.parse(text ?? 'null')
  } catch {
    return DEFAULTS
  }
  if (typeof kept !== 'object' || kept === null) return DEFAULTS
  const of = new Map(Object.entries(kept))
  const one = <T extends string>(key: string, known: readonly T[], other: T): T => known.find((value) => value === of.get(key)) ?? other
  const hidden: unknown = of.get('hidden')
  const widths: unknown = of.get('widths')
  const sizes = typeof widths === 'object' && widths !== null ? Object.entries(widths) : []
  const detail: unknown = of.get('detail')
  return {
    theme: one('theme', THEMES, DEFAULTS.theme),
    density: one('density', DENSITIES, DEFAULTS.density),
    text: one('text', TEXTS, DEFAULTS.text),
    zone: one('zone', ZONES, DEFAULTS.zone),
    hidden: Array.isArray(hidden) ? hidden.filter((key) => typeof key === 'string') : DEFAULTS.hidden,
    widths: Object.fromEntries(sizes.filter((size): size is [string, number] => Number.isFinite(size[1]))),
    detail: typeof detail === 'number' && Number.isFinite(detail) ? detail : DEFAULTS.detail,
  }
}

/** Keeps the root element as somebody likes it. Called once. */
export function beginPreferences(): void {
  effect(() => {
    const name = account.value
    let text: string | null = null
    try {
      if (name !== undefined) text = localStorage.getItem(keyOf(name))
    } catch {
      // As if nothing had been kept.
    }
    preferences.value = readPreferences(text)
  })
  effect(() => {
    const { theme, density, text } = preferences.value
    const { dataset } = document.documentElement
    if (theme === 'auto') delete dataset.theme
    else dataset.theme = theme
    dataset.density = density
    dataset.text = text
  })
}
