/** Which days are open: one, a week, or from one day to another. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { days, go, openDays, route, type DayCount } from '../model/state'
import { compact, count, dayName } from './format'
import { Popover } from './popover'

const MONTH_DAYS = 30
const WEEK_DAYS = 7

export function DayPicker(): JSX.Element {
  const known = days.value?.days ?? []
  const open = openDays.value
  const [first, last] = [open[0], open.at(-1)]
  const before = known[known.findIndex(({ day }) => day === first) - 1]?.day
  const after = known[known.findIndex(({ day }) => day === last) + 1]?.day
  const at = known.findIndex(({ day }) => day === last)
  const week = known[Math.max(0, at - WEEK_DAYS + 1)]?.day
  const isWeek = open.length > 1 && first === week
  const title = first === undefined ? 'No day' : first === last ? dayName(first) : `${dayName(first)} – ${dayName(last ?? first)}`
  return (
    <div class="days" role="group" aria-label="Days">
      <button type="button" aria-label="Day before" title="Day before  [" disabled={before === undefined || first === undefined} onClick={() => show(before)}>
        ‹
      </button>
      <Popover label={`Days: ${title}`} button={title} class="day">
        {(close) => <Choice known={known} close={close} />}
      </Popover>
      <button type="button" aria-label="Day after" title="Day after  ]" disabled={after === undefined || last === undefined} onClick={() => show(after)}>
        ›
      </button>
      <button
        type="button"
        class="week"
        aria-pressed={isWeek}
        disabled={known.length < 2}
        title="The seven days up to this one"
        onClick={() => (isWeek ? show(last) : show(week, last))}
      >
        7 d
      </button>
    </div>
  )
}

/** Opens days; what was chosen of the time of others is let go of. */
function show(first: string | undefined, last = first): void {
  if (first !== undefined && last !== undefined) go({ days: { first, last }, threat: undefined, query: { ...route.peek().query, range: undefined } })
}

function Choice({ known, close }: { readonly known: readonly DayCount[]; readonly close: () => void }): JSX.Element {
  const open = openDays.value
  const from = useSignal(open[0] ?? '')
  const to = useSignal(open.at(-1) ?? '')
  const most = Math.max(1, ...known.map(({ events }) => events))
  const latest = known.at(-1)?.day
  const pick = (first: string | undefined, last = first): void => {
    close()
    show(first, last)
  }
  const bounds = { min: known[0]?.day, max: latest }
  return (
    <div class="day-choice">
      <p class="links">
        <button type="button" onClick={() => pick(latest)}>
          Latest
        </button>
        <button type="button" onClick={() => pick(known.at(-WEEK_DAYS)?.day ?? known[0]?.day, latest)}>
          Last 7 days
        </button>
        <button type="button" onClick={() => pick(known.at(-MONTH_DAYS)?.day ?? known[0]?.day, latest)}>
          Last 30 days
        </button>
      </p>
      <form
        class="links"
        onSubmit={(event) => {
          event.preventDefault()
          const [first, last] = [from.peek(), to.peek()].sort()
          if (first !== undefined && first !== '') pick(first, last)
        }}
      >
        <label>
          From <input type="date" {...bounds} value={from.value} onInput={(event) => (from.value = event.currentTarget.value)} />
        </label>
        <label>
          to <input type="date" {...bounds} value={to.value} onInput={(event) => (to.value = event.currentTarget.value)} />
        </label>
        <button type="submit">Show</button>
      </form>
      <ul>
        {known.toReversed().map(({ day, events }) => (
          <li key={day}>
            <button type="button" aria-pressed={open.includes(day)} onClick={() => pick(day)}>
              <span>{dayName(day)}</span>
              <span class="day-bar" aria-hidden="true">
                <span style={{ width: `${Math.max(2, (100 * events) / most)}%` }} />
              </span>
              <span class="number" title={`${count(events)} events`}>
                {compact(events)}
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
