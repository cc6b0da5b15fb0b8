/** Looking for something in all events that are kept: found events come as they are found, and it is said whether that was all. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { Hunt, HUNT_FIELDS, MAX_FOUND, problemIn, type Found } from '../model/hunt'
import { rowHeight, zone } from '../model/preferences'
import { START } from '../model/route'
import { days, go, route } from '../model/state'
import { SEVERITIES } from '../model/vocabulary'
import { clock, count } from '../parts/format'
import { Mark } from '../parts/mark'
import { seconds } from '../parts/moment'
import { save } from '../parts/save'
import { Severity } from '../parts/severity'
import { Table, type Column } from '../parts/table/table'
import { placeOf, To } from '../parts/to'
import { FIELDS } from '../search/fields'
import { cell } from '../worker/query/export'
import { ObservedBeside } from './observed'

export function HuntPage(): JSX.Element {
  const { subject, days: span } = route.value
  const turn = useSignal(0)
  const open = useSignal<Found | undefined>(undefined)
  const [first, last] = [span?.first, span?.last]
  const hunt = useMemo(() => {
    open.value = undefined
    if (subject === '' || problemIn(subject) !== undefined) return undefined
    return new Hunt({ query: subject, days: first === undefined || last === undefined ? undefined : { first, last } })
  }, [subject, first, last, turn.value])
  useEffect(() => () => hunt?.cancel(), [hunt])
  return (
    <div class="hunt">
      <h1 class="hidden">Hunt</h1>
      <Form key={`${subject} ${first ?? ''} ${last ?? ''}`} onAgain={() => turn.value++} />
      {hunt === undefined ? <Help /> : <Results key={turn.value} hunt={hunt} open={open.value} onOpen={(row) => (open.value = row)} />}
    </div>
  )
}

function Form({ onAgain }: { readonly onAgain: () => void }): JSX.Element {
  const { subject, days: span } = route.value
  const text = useSignal(subject)
  const [first, last] = [useSignal(span?.first ?? ''), useSignal(span?.last ?? '')]
  const wrong = problemIn(text.value)
  const kept = days.value?.days
  const [oldest, newest] = [kept?.[0]?.day, days.value?.today]
  const backwards = isBackwards(first.value, last.value)
  const send = (): void => {
    // Asked of what stands there now: keys may be quicker than drawing.
    const query = text.peek().trim()
    if (query === '' || problemIn(query) !== undefined || isBackwards(first.peek(), last.peek())) return
    const [from, to] = [first.value || oldest, last.value || newest]
    const span = (first.value === '' && last.value === '') || from === undefined || to === undefined ? undefined : { first: from, last: to }
    const before = location.hash
    go({ ...START, page: 'hunt', subject: query, days: span })
    if (location.hash === before) onAgain()
  }
  return (
    <form
      class="hunt-form"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <label class="wide">
        <span>Look for</span>
        <input
          type="search"
          class="mono"
          value={text.value}
          placeholder="evil.example, 192.0.2.0/24, &quot;text&quot;, src:10.0.0.5 info:asyncrat"
          spellcheck={false}
          autocapitalize="off"
          maxLength={4096}
          aria-invalid={wrong !== undefined}
          aria-describedby="hunt-problem"
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
      </label>
      <label>
        <span>From</span>
        <input type="date" value={first.value} min={oldest} max={newest} onInput={(event) => (first.value = event.currentTarget.value)} />
      </label>
      <label>
        <span>To</span>
        <input type="date" value={last.value} min={oldest} max={newest} onInput={(event) => (last.value = event.currentTarget.value)} />
      </label>
      <button type="submit" class="main">
        Hunt
      </button>
      <p id="hunt-problem" class="wrong" role="status">
        {wrong !== undefined ? `Character ${wrong.from + 1}: ${wrong.message}` : backwards ? 'The first day is after the last.' : ''}
      </p>
    </form>
  )
}

const isBackwards = (first: string, last: string): boolean => first !== '' && last !== '' && first > last

function Help(): JSX.Element {
  const kept = days.value?.days
  const known = FIELDS.filter(({ name }) => HUNT_FIELDS.includes(name))
  return (
    <section class="page" aria-label="What can be looked for">
      <p class="soft">
        A hunt goes through {kept?.[0] === undefined ? 'every event that is kept' : `every event of ${count(kept.length)} days, from ${kept[0].day} on`}: names, addresses, networks and ranges, text in quotes, and
        these, with AND, OR, NOT and parentheses between them. Without days it looks at all of them.
      </p>
      <dl class="facts">
        {known.map(({ name, about, example }) => (
          <>
            <dt key={name}>
              <a class="mono" href={placeOf('hunt', example, { days: undefined })}>
                {example}
              </a>
            </dt>
            <dd>{about}</dd>
          </>
        ))}
      </dl>
    </section>
  )
}

interface ResultsProps {
  readonly hunt: Hunt
  readonly open: Found | undefined
  readonly onOpen: (row: Found | undefined) => void
}

function Results({ hunt, open, onOpen }: ResultsProps): JSX.Element {
  const columns = useMemo(() => columnsIn(zone.value), [zone.value])
  const load = useMemo(() => (from: number, to: number) => Promise.resolve(hunt.rows.slice(from, to)), [hunt])
  const version = hunt.came.value
  return (
    <>
      <Told hunt={hunt} />
      <div class="beside">
        <div class="main-part">
          {hunt.rows.length > 0 && (
            <Table
              label="Events found"
              columns={columns}
              count={hunt.rows.length}
              version={version}
              rowHeight={rowHeight.value}
              load={load}
              keyOf={keyOf}
              open={open === undefined ? undefined : keyOf(open)}
              onOpen={onOpen}
            />
          )}
          {hunt.rows.length === 0 && hunt.state.value.state === 'complete' && (
            <p class="empty">Nothing of {hunt.progress.value.total === 0 ? 'these days' : `${count(hunt.progress.value.total)} lines`} is like that.</p>
          )}
        </div>
        <aside class="side" aria-label="More on it">
          {open !== undefined && <Event event={open} onClose={() => onOpen(undefined)} />}
          <ObservedBeside query={route.value.subject} />
        </aside>
      </div>
    </>
  )
}

const keyOf = ({ time, line }: Found): string => `${time} ${line}`

/** How far it is, and whether that is all. */
function Told({ hunt }: { readonly hunt: Hunt }): JSX.Element {
  const state = hunt.state.value
  const { done, total } = hunt.progress.value
  const found = hunt.rows.length
  return (
    <div class="told">
      <p role="status">
        <b>{count(found)}</b> {found === 1 ? 'event' : 'events'} {ending(hunt)}
      </p>
      {state.state === 'running' && (
        <>
          <progress aria-label="Lines looked at" value={done} max={Math.max(1, total)} />
          <span class="soft">{total === 0 ? '' : `${count(done)} of ${count(total)} lines`}</span>
          <button type="button" onClick={() => hunt.cancel()}>
            Stop
          </button>
        </>
      )}
      {state.state !== 'running' && found > 0 && (
        <>
          <button type="button" onClick={() => save('hunt.csv', 'text/csv', csvOf(hunt.rows))}>
            CSV
          </button>
          <button type="button" onClick={() => save('hunt.json', 'application/json', [JSON.stringify(hunt.rows, undefined, 1)])}>
            JSON
          </button>
        </>
      )}
    </div>
  )
}

/** Why a hunt told less than there may be, by the server's word for it. */
const PARTIAL: ReadonlyMap<string, string> = new Map([
  ['limit', `only the ${count(MAX_FOUND)} newest are brought here; look for less, or in fewer days`],
  ['reading', 'the server was just started and has not read all logs yet; hunt again in a moment'],
  ['failure', 'events could not be read; the log of the server says why'],
])

function ending(hunt: Hunt): JSX.Element | string {
  const state = hunt.state.value
  switch (state.state) {
    case 'running':
      return 'so far'
    case 'complete':
      return 'are all there are'
    case 'cancelled':
      return <Mark state="unsure">until it was stopped: there may be more</Mark>
    case 'partial':
      return <Mark state="unsure">but not all: {PARTIAL.get(state.reason) ?? state.reason}</Mark>
    case 'failed':
      return <Mark state="ill">{state.reason}</Mark>
  }
}

function Event({ event, onClose }: { readonly event: Found; readonly onClose: () => void }): JSX.Element {
  const day = new Intl.DateTimeFormat('sv-SE', { timeZone: days.value?.zone ?? 'UTC' }).format(Date.parse(event.time))
  return (
    <section aria-label="Event">
      <h2>
        Event
        <button type="button" class="plain" onClick={onClose}>
          Close
        </button>
      </h2>
      <dl class="facts">
        <dt>Indicator</dt>
        <dd>
          <To page="trail" subject={event.indicator} />
        </dd>
        <dt>Source</dt>
        <dd>
          <All addresses={event.sources} />
        </dd>
        <dt>Destination</dt>
        <dd>
          <All addresses={event.destinations} />
        </dd>
        <dt>Listed by</dt>
        <dd>{event.reference}</dd>
      </dl>
      <p>
        <a href={placeOf('threats', '', { days: { first: day, last: day }, threat: event.threat })}>Its threat on {day}</a>
      </p>
      <h3>As the log has it</h3>
      <p class="raw mono">{event.line}</p>
    </section>
  )
}

function All({ addresses }: { readonly addresses: readonly string[] }): JSX.Element {
  return (
    <>
      {addresses.map((address, at) => (
        <span key={address}>
          {at > 0 && ', '}
          <To page="host" subject={address} />
        </span>
      ))}
    </>
  )
}

const FILE = {
  time: (of: Found) => of.time,
  sensor: (of: Found) => of.sensor,
  sources: (of: Found) => of.sources.join(' '),
  destinations: (of: Found) => of.destinations.join(' '),
  ports: (of: Found) => of.ports.join(' '),
  type: (of: Found) => of.kind,
  indicator: (of: Found) => of.indicator,
  info: (of: Found) => of.info,
  reference: (of: Found) => of.reference,
  severity: (of: Found) => of.severity,
  events: (of: Found) => String(of.count),
  threat: (of: Found) => of.threat,
} as const

function csvOf(rows: readonly Found[]): string[] {
  const written = rows.map((row) => `${Object.values(FILE).map((of) => cell(of(row))).join(',')}\r\n`)
  return [`${Object.keys(FILE).join(',')}\r\n`, ...written]
}

/** The first, and how many more. */
function firstOf(values: readonly (string | number)[]): string {
  const [first] = values
  if (first === undefined) return ''
  return values.length === 1 ? String(first) : `${first} +${values.length - 1}`
}

function columnsIn(zone: string): Column<Found>[] {
  const { moment } = clock(zone)
  return [
    { key: 'severity', title: '', width: 36, cell: (row) => <Severity severity={SEVERITIES.indexOf(row.severity)} /> },
    { key: 'time', title: 'Time', width: 160, cell: (row) => moment(seconds(row.time)) },
    { key: 'source', title: 'Source', width: 160, cell: (row) => <span class="mono">{firstOf(row.sources)}</span> },
    { key: 'destination', title: 'Destination', width: 160, cell: (row) => <span class="mono">{firstOf(row.destinations)}</span> },
    { key: 'port', title: 'Port', width: 72, align: 'end', cell: (row) => firstOf(row.ports) },
    { key: 'kind', title: 'Type', width: 72, cell: (row) => row.kind },
    { key: 'indicator', title: 'Indicator', width: 0, cell: (row) => <span class="mono" title={row.indicator}>{row.indicator}</span> },
    { key: 'info', title: 'What', width: 220, cell: (row) => <span title={row.info}>{row.info}</span> },
    { key: 'sensor', title: 'Sensor', width: 100, cell: (row) => row.sensor },
  ]
}
