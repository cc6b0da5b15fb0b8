/** Days as bars: how many events on each. A bar opens its day. */

import type { JSX } from 'preact'
import { days, go, openDays } from '../model/state'
import { count } from './format'

/** Most days that are drawn: the latest. */
const MAX_BARS = 92

/** `1 Nov`: where a month begins, and where the bars do. */
const monthly = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short' })

export function DayBars({ known }: { readonly known: readonly { readonly day: string; readonly events: number }[] }): JSX.Element {
  const counts = new Map(known.map(({ day, events }) => [day, events]))
  const all = daysFrom(days.value?.days[0]?.day ?? known[0]?.day, days.value?.today ?? known.at(-1)?.day)
  const shown = all.slice(-MAX_BARS)
  const most = Math.max(1, ...known.map(({ events }) => events))
  const kept = new Set(days.value?.days.map(({ day }) => day))
  return (
    <div class="daybars" role="group" aria-label="Events by day">
      {shown.map((day, at) => {
        const events = counts.get(day) ?? 0
        const words = `${day}: ${events === 0 ? 'nothing' : `${count(events)} events`}`
        return (
          <button
            key={day}
            type="button"
            title={words}
            aria-pressed={openDays.value.includes(day)}
            disabled={!kept.has(day)}
            onClick={() => go({ days: { first: day, last: day }, threat: undefined })}
          >
            <span class="column" aria-hidden="true">
              <span style={{ height: `${events === 0 ? 0 : Math.max(4, 100 * Math.sqrt(events / most))}%` }} />
            </span>
            <span class="day">
              {at === 0 || day.endsWith('-01') ? monthly.format(Date.parse(day)) : day.slice(8)}
            </span>
            <span class="hidden">, {words}</span>
          </button>
        )
      })}
    </div>
  )
}

/** All days of a span, the days without events too. */
function daysFrom(first: string | undefined, last: string | undefined): string[] {
  const found: string[] = []
  if (first === undefined || last === undefined) return found
  const at = new Date(`${first}T00:00:00Z`)
  for (;;) {
    const day = at.toISOString().slice(0, 10)
    if (day > last) return found
    found.push(day)
    at.setUTCDate(at.getUTCDate() + 1)
  }
}
