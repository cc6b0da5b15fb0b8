/**
 * A value that one can go on from: a click looks for it, with Alt for everything else; Enter opens its page; a menu (right
 * button, the key for it, or long touch) copies, looks up outside, hunts, makes a rule.
 */

import type { ComponentChildren, JSX } from 'preact'
import { lookups } from '../model/lookups'
import { say } from '../model/notices'
import type { PageName } from '../model/route'
import { START, writeRoute } from '../model/route'
import { ask, go, route } from '../model/state'
import { has, narrow, write, type Term } from '../search/edit'
import { defanged } from '../worker/query/export'
import { openMenu, type Item } from './menu'
import type { Place } from './popover'

export interface ValueProps {
  readonly field: NonNullable<Term['field']>
  readonly value: string
  /** The page that is about it. */
  readonly page?: Extract<PageName, 'host' | 'family' | 'trail'> | undefined
  readonly class?: string
  readonly title?: string
  /** In a table the keys are the table's. */
  readonly inTable?: boolean
  /** What is shown, where it is not the value itself. */
  readonly children?: ComponentChildren
}

export function Value({ field, value, page, class: name = '', title, inTable = false, children }: ValueProps): JSX.Element {
  const open = (): void => {
    if (page !== undefined) go({ page, subject: value })
  }
  const menu = (at: Place): void => openMenu(`What to do with ${value}`, at, items({ field, value, page }))
  const { search } = route.value.query
  const active = route.value.page === 'threats' && has(search, { field, value })
  return (
    <button
      type="button"
      class={`value ${name}${active ? ' active' : ''}`}
      title={title}
      tabIndex={inTable ? -1 : 0}
      aria-haspopup="menu"
      onClick={(event) => {
        // A finger on a row opens it: what is beside it has the values large enough.
        if (inTable && (event as unknown as PointerEvent).pointerType === 'touch') return
        event.stopPropagation()
        look({ field, value }, event.altKey)
      }}
      onKeyDown={(event) => {
        if (event.key === 'Enter' && !event.altKey && page !== undefined) {
          event.preventDefault()
          event.stopPropagation()
          open()
        }
      }}
      onContextMenu={(event) => {
        event.preventDefault()
        event.stopPropagation()
        const box = event.currentTarget.getBoundingClientRect()
        const pointed = event.clientX > 0 || event.clientY > 0
        menu(pointed ? { left: event.clientX, right: event.clientX, top: event.clientY, bottom: event.clientY } : box)
      }}
    >
      {children ?? value}
    </button>
  )
}

/** Looks for a value, or for everything but it. */
export function look(term: Term, not = false): void {
  const { query } = route.peek()
  go({ page: 'threats', subject: '', query: { ...query, search: narrow(query.search, term, not) } })
}

/** Copies text, and says so. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    say('Copied.')
  } catch {
    say('The browser does not let the page copy.')
  }
}

/** Everything that can be done with a value. */
export function items({ field, value, page }: Pick<ValueProps, 'field' | 'value' | 'page'>): Item[] {
  const at = route.peek()
  const to = (name: PageName, subject: string): string => writeRoute({ ...at, page: name, subject, threat: undefined })
  const outside = lookups(field, value)
  const term = write({ field, value })
  return [
    { name: 'Look for it', keys: 'click', act: () => look({ field, value }) },
    { name: 'Leave it out', keys: 'Alt click', act: () => look({ field, value }, true) },
    { name: 'Look for nothing else', act: () => ask({ search: term }) },
    ...(page === undefined ? [] : [{ name: `Open the page of this ${page}`, keys: 'Enter', href: to(page, value) }]),
    { heading: 'Copy' },
    { name: 'Copy', act: () => void copy(value) },
    { name: 'Copy defanged', act: () => void copy(defanged(value)) },
    ...(field === 'src' || field === 'dst' || field === 'trail'
      ? [
          { heading: 'Go on' },
          { name: 'Hunt in all days', href: writeRoute({ ...START, page: 'hunt', subject: value }) },
          { name: 'Make a rule', href: to('rules', term) },
        ]
      : []),
    ...(outside.length === 0 ? [] : [{ heading: 'Look up outside' }]),
    ...outside.map(({ name, href }) => ({ name, href, outside: true })),
  ]
}
