/** Keys of the threats page: those about a row, and those about the page. */

import { decide } from '../../model/triage'
import { undoLast } from '../../model/notices'
import { ask, days, go, openDays, route } from '../../model/state'
import type { Threat } from '../../model/threat'
import { look } from '../../parts/value'
import { asking, help } from '../../model/dialogs'
import { clearSelection, selectTo, selected, toggle } from './selection'

/** What the help sheet tells. */
export const KEYS: readonly { readonly title: string; readonly keys: readonly (readonly [keys: string, what: string])[] }[] = [
  {
    title: 'Move',
    keys: [
      ['j  k', 'next and previous row'],
      ['Enter', 'open the detail'],
      ['Esc', 'close it, let go of the selection'],
      ['o', 'page of the host'],
      ['i', 'page of the indicator'],
      ['[  ]', 'day before, day after'],
      ['.', 'the latest day'],
    ],
  },
  {
    title: 'Find',
    keys: [
      ['/', 'search'],
      ['f', 'look for this indicator'],
      ['e', 'leave this indicator out'],
      ['click', 'on a value: look for it'],
      ['Alt click', 'on a value: leave it out'],
      ['right click', 'on a value: everything else'],
    ],
  },
  {
    title: 'Decide',
    keys: [
      ['x', 'select'],
      ['Shift X', 'select up to here'],
      ['s', 'status'],
      ['a', 'who looks at it'],
      ['t', 'tags'],
      ['n', 'note'],
      ['z', 'take back'],
    ],
  },
  {
    title: 'Pages',
    keys: [
      ['g t', 'threats'],
      ['g h', 'hunt'],
      ['g m', 'map'],
      ['g s', 'sensors, trails, feeds'],
      ['g r', 'rules'],
      ['?', 'this sheet'],
    ],
  },
]

/** What a change is about: what is selected, or else the row. */
const about = (row: Threat): readonly string[] => (selected.peek().size > 0 ? [...selected.peek()] : [row.id])

/** Keys on a row. */
export function onRow(event: KeyboardEvent, row: Threat, index: number): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const term = { field: 'trail', value: row.indicator } as const
  const acts: Readonly<Record<string, () => void>> = {
    x: () => toggle(row.id, index),
    X: () => void selectTo(index),
    o: () => go({ page: 'host', subject: row.source }),
    i: () => go({ page: 'trail', subject: row.indicator }),
    f: () => look(term),
    e: () => look(term, true),
    s: () => (asking.value = { what: 'status', threats: about(row) }),
    a: () => (asking.value = { what: 'assignee', threats: about(row) }),
    t: () => (asking.value = { what: 'tags', threats: about(row) }),
    n: () => (asking.value = { what: 'note', threats: about(row) }),
  }
  const act = acts[event.key]
  if (act === undefined) return
  event.preventDefault()
  act()
}

/** Whether somebody writes, or something open above the page has the keys. */
function busy(target: EventTarget | null): boolean {
  return !(target instanceof HTMLElement) || target.closest('input, textarea, select, [popover], dialog, [contenteditable]') !== null
}

/** Another day: before or after the ones that are open. */
export function step(by: 1 | -1): void {
  const known = days.peek()?.days ?? []
  const open = openDays.peek()
  const edge = by < 0 ? open[0] : open.at(-1)
  const to = known[known.findIndex(({ day }) => day === edge) + by]?.day
  if (to !== undefined && edge !== undefined) go({ days: { first: to, last: to }, threat: undefined, query: { ...route.peek().query, range: undefined } })
}

/** Keys wherever one is on the page. Returns what ends it. */
export function listen(): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || busy(event.target)) return
    const act = acts()[event.key] ?? toTable(event)
    if (act === undefined) return
    event.preventDefault()
    act()
  }
  addEventListener('keydown', onKey)
  return () => removeEventListener('keydown', onKey)
}

function acts(): Readonly<Record<string, () => void>> {
  return {
    '/': () => document.querySelector<HTMLElement>('[role=search] input')?.focus(),
    '?': () => (help.value = true),
    '[': () => step(-1),
    ']': () => step(1),
    '.': () => go({ days: undefined, threat: undefined, query: { ...route.peek().query, range: undefined } }),
    z: () => void undoLast(),
    Escape: escape,
  }
}

function escape(): void {
  const { threat, query } = route.peek()
  if (threat !== undefined) go({ threat: undefined })
  else if (selected.peek().size > 0) clearSelection()
  else if (query.range !== undefined) ask({ range: undefined })
  document.querySelector<HTMLElement>('[role=grid]')?.focus()
}

/** Keys of the table, pressed elsewhere: they go there. */
function toTable(event: KeyboardEvent): (() => void) | undefined {
  if (!/^(?:[jkxXsatnefoi]|Arrow(?:Up|Down))$/.test(event.key)) return undefined
  const grid = document.querySelector<HTMLElement>('[role=grid]')
  if (grid === null || grid.contains(event.target as Node)) return undefined
  // In the detail the arrows scroll.
  if (event.key.startsWith('Arrow') && event.target !== document.body) return undefined
  const { key, shiftKey } = event
  return () => {
    if (event.target === document.body) grid.focus()
    grid.dispatchEvent(new KeyboardEvent('keydown', { key, shiftKey, bubbles: true, cancelable: true }))
  }
}

/** Sets a status, and says so. */
export function setStatus(threats: readonly string[], status: Parameters<typeof decide>[1]['status'], words: string): void {
  if (status === undefined) return
  const done = threats.length === 1 ? `Status: ${words}.` : `${threats.length.toLocaleString('en')} threats: ${words}.`
  void decide(threats, { status }, done)
}
