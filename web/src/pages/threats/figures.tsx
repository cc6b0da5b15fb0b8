/** The first line to read: who is at risk, what is new, whether anything is seen at all. Figures are filters. */

import type { ComponentChildren, JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { now, repeatedly } from '../../model/clock'
import { offline, readSight, sight } from '../../model/health'
import { ask, openDays, progress, result, route } from '../../model/state'
import type { Summary } from '../../model/threat'
import { choose, chosen } from '../../search/edit'
import { compact, count, lasted } from '../../parts/format'
import { Severity } from '../../parts/severity'
import { placeOf } from '../../parts/to'
import { moment } from '../../parts/when'

/** Milliseconds between two looks at sensors and trails. */
const LOOK = 30_000
/** Seconds after which a silent sensor is told. */
const SILENT = 3600

export function Figures(): JSX.Element {
  useEffect(() => repeatedly(LOOK, () => void readSight()), [])
  const summary = result.value?.summary
  return (
    <div class="figures" role="group" aria-label="Figures">
      <AtRisk summary={summary} />
      <Fresh summary={summary} />
      <Figure name="threats" value={summary?.threats} title={summary === undefined ? '' : `${count(summary.threats)} threats, ${count(summary.events)} events`} />
      <Levels summary={summary} />
      <span class="spacer" />
      <Sensors />
      <Trails />
    </div>
  )
}

interface FigureProps {
  readonly name: string
  readonly value: number | undefined
  readonly title?: string
  readonly class?: string
  readonly pressed?: boolean
  readonly onClick?: () => void
}

function Figure({ name, value, title, class: kind = '', pressed, onClick }: FigureProps): JSX.Element {
  const inner = (
    <>
      <b>{value === undefined ? '–' : compact(value)}</b>
      <span>{name}</span>
    </>
  )
  const said = title ?? (value === undefined ? undefined : `${count(value)} ${name}`)
  if (onClick === undefined) {
    return (
      <div class={`figure ${kind}`} title={said}>
        {inner}
      </div>
    )
  }
  return (
    <button type="button" class={`figure ${kind}`} title={said} aria-pressed={pressed} disabled={value === undefined} onClick={onClick}>
      {inner}
    </button>
  )
}

const RISK = 'outbound,lateral'

function AtRisk({ summary }: { readonly summary: Summary | undefined }): JSX.Element {
  const { search } = route.value.query
  const pressed = chosen(search, 'dir') === RISK && chosen(search, 'sev') === 'high'
  const toggle = (): void =>
    ask(pressed ? { search: choose(choose(search, 'dir', undefined), 'sev', undefined) } : { search: choose(choose(search, 'sev', 'high'), 'dir', RISK), group: 'host' })
  const value = summary?.atRisk
  return (
    <Figure
      name={value === 1 ? 'host at risk' : 'hosts at risk'}
      value={value}
      class={value !== undefined && value > 0 ? 'risk' : ''}
      title="Machines that went out to, or spread among each other, what is of high severity. Click to see them."
      pressed={pressed}
      onClick={toggle}
    />
  )
}

function Fresh({ summary }: { readonly summary: Summary | undefined }): JSX.Element {
  const { sort } = route.value.query
  const pressed = sort.by === 'first' && sort.descending
  const since = summary === undefined ? '' : moment(summary.freshSince)
  const several = openDays.value.length > 1
  return (
    <Figure
      name={several ? 'new on the last day' : 'new in the last hour'}
      value={summary?.fresh}
      title={`First seen since ${since}. Click for the newest first.`}
      pressed={pressed}
      onClick={() => ask({ sort: pressed ? { by: 'rank', descending: false } : { by: 'first', descending: true }, group: 'none' })}
    />
  )
}

function Levels({ summary }: { readonly summary: Summary | undefined }): JSX.Element {
  const { search } = route.value.query
  const now = chosen(search, 'sev')
  return (
    <div class="levels" role="group" aria-label="Severity">
      {(['high', 'medium', 'low'] as const).map((severity, at) => {
        const value = summary?.severity[2 - at]
        return (
          <button
            key={severity}
            type="button"
            aria-pressed={now === severity}
            title={value === undefined ? severity : `${count(value)} of ${severity} severity`}
            disabled={value === undefined}
            onClick={() => ask({ search: choose(search, 'sev', now === severity ? undefined : severity) })}
          >
            <Severity severity={2 - at} />
            <span aria-hidden="true">{severity === 'medium' ? 'med' : severity}</span> <b>{value === undefined ? '–' : compact(value)}</b>
          </button>
        )
      })}
    </div>
  )
}

function Sensors(): JSX.Element {
  const known = sight.value
  const latest = Math.max(...(known?.sensors ?? []).map(({ last }) => Date.parse(last) / 1000))
  const silent = known?.sensors.filter(({ last }) => now.value - Date.parse(last) / 1000 > SILENT).length ?? 0
  const all = known?.sensors.length ?? 0
  const text = offline.value !== undefined ? 'not known' : known === undefined ? '–' : all === 0 ? 'none heard' : `${all - silent}/${all}`
  return (
    <Sight name="sensors" text={text} ill={known !== undefined && (all === 0 || silent === all)}>
      {all > 0 ? `last event ${lasted(Math.max(0, now.value - latest))} ago` : known === undefined ? '' : 'within a day'}
    </Sight>
  )
}

function Trails(): JSX.Element {
  const trails = sight.value?.trails
  const text = trails === undefined ? '–' : trails === null ? 'none' : compact(trails.indicators)
  return (
    <Sight name="trails" text={text} ill={trails === null}>
      {trails === undefined ? '' : trails === null ? 'nothing can be found' : `${lasted(Math.max(0, now.value - trails.built_at))} old`}
    </Sight>
  )
}

function Sight({ name, text, ill, children }: { readonly name: string; readonly text: string; readonly ill: boolean; readonly children: ComponentChildren }): JSX.Element {
  return (
    <a class={`figure sight${ill ? ' ill' : ''}`} href={placeOf('health')} title="Sensors, trails and feeds">
      <b>{text}</b>
      <span>
        {name} <span class="soft">{children}</span>
      </span>
    </a>
  )
}

/** How much of how much is there, as a line above the table that takes no room. */
export function Loading(): JSX.Element | null {
  const now = progress.value
  if (now === undefined || (now.state !== 'loading' && !now.cut)) return null
  if (now.state !== 'loading') {
    return (
      <p class="partial" role="status">
        Only {count(now.rows)} of {count(now.allRows)} threats are here: there is no room for more. Choose fewer days to see all of them.
      </p>
    )
  }
  return (
    <div class="loading-line" role="progressbar" aria-label="Threats that are here" aria-valuemin={0} aria-valuemax={now.allRows} aria-valuenow={now.rows} aria-valuetext={`${count(now.rows)} of ${count(now.allRows)}`}>
      <span style={{ width: `${(100 * now.rows) / Math.max(1, now.allRows)}%` }} />
    </div>
  )
}
