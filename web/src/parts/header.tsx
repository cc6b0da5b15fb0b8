/** What stands above every page: where one is, which days, the search, who one is. */

import type { JSX } from 'preact'
import type { PageName } from '../model/route'
import { logOut, session } from '../model/session'
import { ask, days, go, openDays, progress, route, wrong } from '../model/state'
import { count } from './format'
import { Nav } from './nav'

/** Pages that show the threats of open days. */
const ON_DAYS: ReadonlySet<PageName> = new Set<PageName>(['threats', 'host', 'family', 'trail', 'map'])

export function Header(): JSX.Element {
  const now = session.value
  return (
    <header class="header">
      <a class="name" href="#/threats">
        maltrail
      </a>
      <Nav />
      {ON_DAYS.has(route.value.page) && <DayPicker />}
      {ON_DAYS.has(route.value.page) && <Search />}
      <Coming />
      <span class="spacer" />
      {now.state === 'known' && (
        <button type="button" onClick={() => void logOut()} title={`Log out ${now.account.name}`}>
          Log out
        </button>
      )}
    </header>
  )
}

function DayPicker(): JSX.Element {
  const known = days.value?.days ?? []
  const open = openDays.value
  const at = known.findIndex(({ day }) => day === open[0])
  const show = (day: string | undefined): void => {
    if (day !== undefined) go({ days: { first: day, last: day }, threat: undefined })
  }
  return (
    <div class="days" role="group" aria-label="Day">
      <button type="button" aria-label="Day before" disabled={at <= 0} onClick={() => show(known[at - 1]?.day)}>
        ‹
      </button>
      <select aria-label="Day" value={open[0] ?? ''} onChange={(event) => show(event.currentTarget.value)}>
        {known.toReversed().map(({ day, events }) => (
          <option key={day} value={day}>
            {day} ({count(events)})
          </option>
        ))}
      </select>
      <button type="button" aria-label="Day after" disabled={at < 0 || at + 1 >= known.length} onClick={() => show(known[at + 1]?.day)}>
        ›
      </button>
    </div>
  )
}

function Search(): JSX.Element {
  const problem = wrong.value
  return (
    <div class="search" role="search">
      <input
        type="search"
        aria-label="Search threats"
        aria-invalid={problem !== undefined}
        aria-describedby="search-problem"
        placeholder="src:10.0.0.0/8 sev:high -tag:known"
        spellcheck={false}
        autocapitalize="off"
        value={route.value.query.search}
        onInput={(event) => ask({ search: event.currentTarget.value }, true)}
      />
      <p id="search-problem" class="wrong" role="status">
        {problem === undefined ? '' : `Character ${problem.from + 1}: ${problem.message}`}
      </p>
    </div>
  )
}

/** How much of the days is there. */
function Coming(): JSX.Element | null {
  const now = progress.value
  if (now === undefined || now.state === 'idle' || now.state === 'ready') return null
  return (
    <p class="coming" role="status">
      {now.state === 'failed' ? `Not loaded: ${now.problem ?? ''}` : `${count(now.rows)} of ${count(now.allRows)} threats`}
    </p>
  )
}
