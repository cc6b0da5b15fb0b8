/** Threats of the open days: what to look at first, the time they are of, the table, and the detail of one beside it. */

import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { repeatedly } from '../model/clock'
import { sight } from '../model/health'
import { zone } from '../model/preferences'
import { ask, days, go, openDays, problem, progress, readDays, result, route } from '../model/state'
import { moment } from '../parts/when'
import { Timeline } from '../parts/timeline'
import { placeOf } from '../parts/to'
import { Bulk } from './threats/bulk'
import { Detail } from './threats/detail'
import { Figures, Loading } from './threats/figures'
import { listen } from './threats/keys'
import { List } from './threats/list'
import { Noise } from './threats/noise'
import { clearSelection, selected } from './threats/selection'
import { Toolbar } from './threats/toolbar'

export function Threats(): JSX.Element {
  useEffect(listen, [])
  const opened = openDays.value.join()
  // What is selected belongs to the days it was selected in.
  useEffect(() => clearSelection, [opened])
  const { threat } = route.value
  return (
    <div class="threats">
      <div class="threats-main">
        <h1 class="hidden">Threats</h1>
        <Figures />
        <Time />
        <Tools />
        <Loading />
        <Body />
        <Noise />
      </div>
      {threat !== undefined && <Detail id={threat} />}
    </div>
  )
}

/** What is selected is about to be changed: nothing moves for it. */
const Tools = (): JSX.Element => (selected.value.size > 0 ? <Bulk /> : <Toolbar />)

/** The table, or why there is none. */
function Body(): JSX.Element {
  const broken = problem.value ?? (progress.value?.state === 'failed' ? progress.value.problem : undefined)
  if (broken !== undefined) {
    return (
      <Said title="The threats could not be read" alert>
        <p>{broken}</p>
        <button type="button" class="main" onClick={() => (days.peek() === undefined ? void readDays() : location.reload())}>
          Try again
        </button>
      </Said>
    )
  }
  if (days.value !== undefined && openDays.value.length === 0) return <NoDays />
  const summary = result.value?.summary
  if (summary === undefined) return <Skeleton />
  if (summary.rows > 0) return <List />
  if (progress.value?.state === 'loading') return <Skeleton />
  const { query } = route.value
  if (query.search === '' && query.range === undefined) {
    return (
      <Said title="No threats here">
        <p>{summary.folded ? 'Nothing of weight was found on these days: all there is only knocked from outside, and is folded away below.' : 'Nothing was found on these days.'}</p>
        <a href={placeOf('health')}>See whether the sensors see traffic</a>
      </Said>
    )
  }
  return (
    <Said title="Nothing is like that">
      <p>No threat of these days fits the search{query.range === undefined ? '' : ' in the hours that are chosen'}.</p>
      <p class="links">
        {query.search !== '' && (
          <button type="button" onClick={() => ask({ search: '' })}>
            Clear the search
          </button>
        )}
        {query.range !== undefined && (
          <button type="button" onClick={() => ask({ range: undefined })}>
            Show the whole time
          </button>
        )}
        <a href={placeOf('hunt', query.search)}>Hunt in all days</a>
      </p>
    </Said>
  )
}

/** Milliseconds between two looks for a first event. */
const LOOK = 5000

function NoDays(): JSX.Element {
  // Nothing is open that would tell: the first event is waited for.
  useEffect(() => repeatedly(LOOK, () => void readDays()), [])
  const none = days.value?.days.length === 0
  return (
    <Said title={none ? 'No event has come yet' : 'Nothing on these days'}>
      <p>{none ? 'Sensors write events here when they see something that is listed. None has done so yet; the first one appears here by itself.' : 'There are no events of the days that the address names.'}</p>
      {none ? (
        <a href={placeOf('health')}>See whether the sensors see traffic</a>
      ) : (
        <button type="button" onClick={() => go({ days: undefined })}>
          Show the latest day
        </button>
      )}
    </Said>
  )
}

function Said({ title, alert = false, children }: { readonly title: string; readonly alert?: boolean; readonly children: JSX.Element | (JSX.Element | false)[] }): JSX.Element {
  return (
    <div class="said" role={alert ? 'alert' : 'status'}>
      <h2>{title}</h2>
      {children}
    </div>
  )
}

/** The shape of what is to come. */
function Skeleton(): JSX.Element {
  return (
    <div class="skeleton" aria-busy="true" aria-label="Threats are coming">
      {Array.from({ length: 12 }, (_, at) => (
        <span key={at} />
      ))}
    </div>
  )
}

function Time(): JSX.Element {
  const bins = result.value?.summary.bins ?? []
  const { range } = route.value.query
  const several = openDays.value.length > 1
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone.value,
    hourCycle: 'h23',
    ...(several ? { day: 'numeric', month: 'short', ...(openDays.value.length < 4 ? { hour: '2-digit', minute: '2-digit' } : {}) } : { hour: '2-digit', minute: '2-digit' }),
  })
  const renewed = sight.value?.trails?.built_at
  const marks = renewed === undefined ? [] : [{ at: renewed, text: `The trails of today are of ${moment(renewed)}` }]
  return <Timeline bins={bins} marks={marks.filter(({ at }) => at >= (bins[0]?.at ?? Infinity) && at < (bins.at(-1)?.at ?? 0) + 3600)} range={range} onRange={(next) => ask({ range: next })} moment={moment} tick={(at) => format.format(1000 * at).replace(',', '')} />
}
