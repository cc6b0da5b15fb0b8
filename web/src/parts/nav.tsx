/** The pages there are, and the keys that lead to them: `g` and then a letter. */

import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { session } from '../model/session'
import { go, route } from '../model/state'
import type { PageName } from '../model/route'
import { placeOf } from './to'

interface Place {
  readonly page: PageName
  readonly title: string
  /** After `g`. */
  readonly key: string
  /** For administrators alone. */
  readonly administrators?: true
}

export const PLACES: readonly Place[] = [
  { page: 'threats', title: 'Threats', key: 't' },
  { page: 'hunt', title: 'Hunt', key: 'h' },
  { page: 'map', title: 'Map', key: 'm' },
  { page: 'health', title: 'Health', key: 's' },
  { page: 'rules', title: 'Rules', key: 'r' },
  { page: 'accounts', title: 'Accounts', key: 'a', administrators: true },
  { page: 'audit', title: 'Audit', key: 'l', administrators: true },
  { page: 'account', title: 'You', key: 'y' },
]

/** Milliseconds in which the letter must follow. */
const SOON = 1500

/** Pages that this account may see. */
function places(): readonly Place[] {
  const now = session.value
  const all = now.state === 'known' && now.account.role === 'administrator'
  return PLACES.filter(({ administrators }) => all || administrators === undefined)
}

export function Nav(): JSX.Element {
  useEffect(() => {
    const listen = chords()
    addEventListener('keydown', listen, { capture: true })
    return () => removeEventListener('keydown', listen, { capture: true })
  }, [])
  return (
    <nav class="nav" aria-label="Pages">
      {places().map(({ page, title, key }) => (
        <a key={page} href={placeOf(page)} aria-current={route.value.page === page ? 'page' : undefined} title={`g ${key}`}>
          {title}
        </a>
      ))}
    </nav>
  )
}

/** What listens for `g` and a letter. Not while somebody writes. */
function chords(): (event: KeyboardEvent) => void {
  let began = -Infinity
  return (event) => {
    const to = event.target
    const writing = to instanceof HTMLElement && to.closest('input, textarea, select, [contenteditable]') !== null
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return
    const place = event.timeStamp - began < SOON ? places().find(({ key }) => key === event.key) : undefined
    began = event.key === 'g' && place === undefined ? event.timeStamp : -Infinity
    if (place === undefined) return
    event.preventDefault()
    event.stopPropagation()
    go({ page: place.page, subject: '', threat: undefined })
  }
}
