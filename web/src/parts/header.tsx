/** What stands above every page: where one is, which days, the search, whether it is live, who one is. */

import type { JSX } from 'preact'
import type { PageName } from '../model/route'
import { offline } from '../model/health'
import { days, openDays, progress, route } from '../model/state'
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

/** Whether what is shown is all there is, and goes on by itself. */
function Live(): JSX.Element {
  const now = progress.value
  const today = days.value?.today
  const lost = offline.value
  const { state, words, title } =
    lost !== undefined
      ? { state: 'lost', words: 'offline', title: `${lost}; what is shown is as it was` }
      : now?.state === 'loading'
        ? { state: 'loading', words: now.allRows === 0 ? 'loading' : `${Math.floor((100 * now.rows) / now.allRows)} %`, title: `${count(now.rows)} of ${count(now.allRows)} threats are here` }
        : now?.state === 'failed'
          ? { state: 'lost', words: 'failed', title: now.problem ?? '' }
          : today !== undefined && openDays.value.includes(today)
            ? { state: 'today', words: 'today', title: 'Today is open' }
            : { state: 'past', words: 'past', title: 'Days that are over' }
  return (
    <p class={`live ${state}`} role="status" title={title}>
      <span>{words}</span>
    </p>
  )
}
