/** What stands above every page: where one is, which days, the search, whether it is live, who one is. */

import type { JSX } from 'preact'
import type { PageName } from '../model/route'
import { offline } from '../model/health'
import { live, progress, route } from '../model/state'
import { help } from '../model/dialogs'
import { DayPicker } from './daypicker'
import { count } from './format'
import { Nav } from './nav'
import { Search } from './search'
import { Settings } from './settings'

/** Pages that show the threats of open days. */
const ON_DAYS: ReadonlySet<PageName> = new Set<PageName>(['threats', 'host', 'family', 'trail', 'map'])

export function Header(): JSX.Element {
  const { page } = route.value
  return (
    <header class="header">
      <a class="name" href="#/threats">
        maltrail
      </a>
      {ON_DAYS.has(page) && <DayPicker />}
      {ON_DAYS.has(page) ? <Search /> : <span class="spacer" />}
      {page === 'threats' && (
        <button type="button" class="plain help-key" aria-label="Keys and search" title="Keys and search  ?" onClick={() => (help.value = true)}>
          ?
        </button>
      )}
      <Live />
      <Nav />
      <Settings />
    </header>
  )
}

interface Told {
  readonly state: string
  readonly words: string
  readonly title: string
}

/** Whether what is shown is all there is, and goes on by itself. */
function Live(): JSX.Element {
  const { state, words, title } = told()
  return (
    <p class={`live ${state}`} role="status" title={title}>
      <span>{words}</span>
    </p>
  )
}

function told(): Told {
  const now = progress.value
  const lost = offline.value ?? (live.value === 'lost' ? 'the server cannot be reached' : undefined)
  if (lost !== undefined) return { state: 'lost', words: 'offline', title: `${lost}; what is shown is as it was, and it is tried again by itself` }
  if (now?.state === 'failed') return { state: 'lost', words: 'failed', title: now.problem ?? '' }
  if (now?.state === 'loading') {
    const part = now.allRows === 0 ? 'loading' : `${Math.floor((100 * now.rows) / now.allRows)} %`
    return { state: 'loading', words: part, title: `${count(now.rows)} of ${count(now.allRows)} threats are here` }
  }
  return live.value === 'on'
    ? { state: 'on', words: 'live', title: 'What arrives is shown as it comes' }
    : { state: 'off', words: 'past', title: 'These days are over: nothing arrives' }
}
