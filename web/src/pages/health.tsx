/** Whether everything works: sensors, what the server keeps, trails, feeds. What is not known is said, not guessed. */

import type { JSX } from 'preact'
import { days } from '../model/state'
import { useAnswer, Given, type Answer } from '../parts/answer'
import { compact, count, lasted } from '../parts/format'
import { Mark, type State } from '../parts/mark'
import { Ago, Moment, seconds } from '../parts/moment'
import { Sheet, type SheetColumn } from '../parts/sheet'
import { threatsOf } from '../parts/to'

interface Health {
  readonly status: string
  readonly problems: readonly string[]
  readonly version: string
  readonly now: string
  readonly started: string
  readonly zone: string
  readonly days: number
  readonly trails: { readonly generation: number; readonly built_at: number; readonly indicators: number } | null
  readonly streams: number
  readonly working: number
}

interface Sensor {
  readonly site: string
  readonly sensor: string
  readonly last: string
  readonly events: number
}

interface Sensors {
  readonly at: string
  readonly since: string
  readonly sensors: readonly Sensor[]
  readonly capped: boolean
}

interface Feed {
  readonly name: string
  readonly outcome: 'fetched' | 'unchanged' | 'recent' | 'failed' | 'refused' | 'keyless'
  readonly error: string | null
  readonly rows: number
  readonly asked: string | null
  readonly changed: string | null
  readonly ill: boolean
}

interface Feeds {
  readonly generation: number | null
  readonly built: string | null
  readonly trails: number
  readonly held: boolean
  readonly change: { readonly since: number; readonly added: number; readonly removed: number } | null
  readonly feeds: readonly Feed[]
}

/** Seconds between questions. */
const EVERY = 30
/** Seconds without an event after which a sensor is worth a look, and after which it is hardly well. */
const QUIET = 3600
const SILENT = 6 * 3600
/** Seconds by which the clock of a sensor may be ahead. */
const AHEAD = 300
/** Seconds after which trails are old: two updates that come daily did not. */
const OLD_TRAILS = 2 * 86_400

export function Health(): JSX.Element {
  const health = useAnswer<Health>('api/v1/health', EVERY)
  const sensors = useAnswer<Sensors>('api/v1/sensors', EVERY)
  const feeds = useAnswer<Feeds>('api/v1/feeds', EVERY)
  return (
    <article class="page">
      <h1>Health</h1>
      <Verdict health={health} sensors={sensors} feeds={feeds} />
      <section aria-labelledby="sensors">
        <h2 id="sensors">Sensors</h2>
        <Given answer={sensors} what="Sensors">
          {(told) => <SensorList {...told} />}
        </Given>
      </section>
      <div class="halves">
        <section aria-labelledby="trails">
          <h2 id="trails">Trails</h2>
          <Given answer={feeds} what="The trails' origin">
            {(told) => <Trails feeds={told} trails={health.value?.trails ?? undefined} now={nowOf(health)} />}
          </Given>
        </section>
        <section aria-labelledby="store">
          <h2 id="store">Server</h2>
          <Given answer={health} what="The server's health">
            {(told) => <Server {...told} />}
          </Given>
        </section>
      </div>
      <section aria-labelledby="feeds">
        <h2 id="feeds">Feeds</h2>
        <Given answer={feeds} what="Feeds">
          {(told) => <FeedList feeds={told.feeds} now={nowOf(health)} />}
        </Given>
      </section>
    </article>
  )
}

/** The server's clock counts, not this one's. */
function nowOf(health: Answer<Health>): number {
  return health.value === undefined ? Date.now() / 1000 : seconds(health.value.now)
}

interface VerdictProps {
  readonly health: Answer<Health>
  readonly sensors: Answer<Sensors>
  readonly feeds: Answer<Feeds>
}

/** The answer first: is anything wrong, and is anything seen at all. */
function Verdict({ health, sensors, feeds }: VerdictProps): JSX.Element {
  const now = nowOf(health)
  const known = sensors.value?.sensors
  const newest = known?.map(({ last }) => seconds(last)).reduce((a, b) => Math.max(a, b), -Infinity)
  const ill = feeds.value?.feeds.filter((feed) => ['ill', 'unsure'].includes(judged(feed).state)).length
  const trails = health.value?.trails
  // Feeds have their own figure and table; the rest is told in the server's words.
  const problems = health.value?.problems.filter((problem) => !problem.startsWith('feed ')) ?? []
  return (
    <>
      <dl class="cards">
        <Card name="Last event">
          {newest === undefined ? '…' : newest === -Infinity ? <Mark state="ill">none in 24 h</Mark> : <Mark state={stateOf(now - newest)}>{newest > now + AHEAD ? 'clock ahead' : `${lasted(Math.max(0, now - newest))} ago`}</Mark>}
        </Card>
        <Card name="Sensors heard in 24 h">{known === undefined ? '…' : <Mark state={known.length === 0 ? 'ill' : 'well'}>{count(known.length)}</Mark>}</Card>
        <Card name="Trails">
          {trails === undefined ? '…' : trails === null ? <Mark state="ill">none</Mark> : <Mark state={now - trails.built_at > OLD_TRAILS ? 'unsure' : 'well'}>{compact(trails.indicators)}</Mark>}
        </Card>
        <Card name="Feeds to look at">{ill === undefined ? '…' : <Mark state={ill === 0 ? 'well' : 'unsure'}>{ill === 0 ? 'none' : count(ill)}</Mark>}</Card>
        <Card name="Server">
          {health.problem !== undefined ? <Mark state="ill">does not answer</Mark> : health.value === undefined ? '…' : <Mark state={problems.length === 0 ? 'well' : 'unsure'}>{problems.length === 0 ? 'works' : 'works, with limits'}</Mark>}
        </Card>
      </dl>
      {problems.length > 0 && (
        <ul class="problems" aria-label="What is wrong, and what to do">
          {problems.map((problem) => (
            <li key={problem}>
              <Mark state="unsure">{problem}</Mark>
            </li>
          ))}
        </ul>
      )}
    </>
  )
}

function Card({ name, children }: { readonly name: string; readonly children: JSX.Element | string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function stateOf(passed: number): State {
  if (passed < -AHEAD) return 'unsure'
  return passed < QUIET ? 'well' : passed < SILENT ? 'unsure' : 'ill'
}

/** What that means of a sensor. */
function heard(passed: number): string {
  if (passed < -AHEAD) return 'its clock is ahead'
  return passed < QUIET ? 'sends events' : passed < SILENT ? 'quiet' : 'silent'
}

const SITE: SheetColumn<Sensor> = { key: 'site', title: 'Site', by: ({ site }) => site, cell: ({ site }) => site }

function SensorList({ at, sensors, capped }: Sensors): JSX.Element {
  const now = seconds(at)
  const passed = ({ last }: Sensor): number => now - seconds(last)
  const columns: SheetColumn<Sensor>[] = [
    { key: 'state', title: 'State', by: ({ last }) => last, cell: (row) => <Mark state={stateOf(passed(row))}>{heard(passed(row))}</Mark> },
    { key: 'sensor', title: 'Sensor', by: ({ sensor }) => sensor, cell: ({ sensor }) => <a href={threatsOf(`sensor:"${sensor.replace(/["\\]/g, '\\$&')}"`)}>{sensor}</a> },
    ...(sensors.some(({ site }) => site !== '') ? [SITE] : []),
    { key: 'last', title: 'Last event', by: ({ last }) => last, cell: ({ last }) => <Ago at={last} now={now} /> },
    { key: 'events', title: 'Events in 24 h', align: 'end', by: ({ events }) => events, cell: ({ events }) => count(events) },
  ]
  return (
    <>
      <Sheet
        label="Sensors"
        columns={columns}
        rows={sensors}
        keyOf={({ site, sensor }) => `${site}\0${sensor}`}
        empty="No sensor sent an event in the last 24 hours. Either nothing listed was seen, or nothing is seen at all: look at the sensor (its log, its metrics), and send it a name that is listed."
      />
      {capped && <p class="notice">There are more sensors than are listed here.</p>}
      <p class="soft">
        A sensor is known here by its events. A quiet one may be well in a quiet network: packets it dropped, and when it last proved itself, stand in its own metrics.
      </p>
    </>
  )
}

interface TrailsProps {
  readonly feeds: Feeds
  readonly trails: Health['trails'] | undefined
  readonly now: number
}

function Trails({ feeds, trails, now }: TrailsProps): JSX.Element {
  const { built, change, held, generation } = feeds
  const age = built === null ? trails?.built_at : seconds(built)
  return (
    <dl class="facts">
      <dt>In use</dt>
      <dd>{trails === undefined || trails === null ? <Mark state="ill">none: set TRAILS_FILE, or run `maltrail update`</Mark> : `${count(trails.indicators)} indicators`}</dd>
      <dt>Made</dt>
      <dd>{age === undefined ? 'not known' : <Mark state={now - age > OLD_TRAILS ? 'unsure' : 'well'}><Ago at={new Date(1000 * age).toISOString()} now={now} /></Mark>}</dd>
      <dt>Generation</dt>
      <dd>{generation === null ? 'not made by an update here' : count(generation)}</dd>
      {change !== null && (
        <>
          <dt>Against generation {count(change.since)}</dt>
          <dd>
            {count(change.added)} new, {count(change.removed)} gone
          </dd>
        </>
      )}
      {held && (
        <>
          <dt>Updates</dt>
          <dd>
            <Mark state="unsure">held: put back by hand, `maltrail update` goes on</Mark>
          </dd>
        </>
      )}
    </dl>
  )
}

function Server({ version, started, now, zone, days: held, streams, working }: Health): JSX.Element {
  const known = days.value?.days
  const events = known?.reduce((sum, day) => sum + day.events, 0)
  return (
    <dl class="facts">
      <dt>Days kept</dt>
      <dd>
        {count(held)}
        {known?.[0] !== undefined && `, from ${known[0].day} to ${known.at(-1)?.day ?? ''}`}
      </dd>
      <dt>Events kept</dt>
      <dd>{events === undefined ? '…' : count(events)}</dd>
      <dt>Running since</dt>
      <dd>
        <Moment at={started} /> ({lasted(seconds(now) - seconds(started))})
      </dd>
      <dt>Zone of days</dt>
      <dd>{zone}</dd>
      <dt>Busy with</dt>
      <dd>
        {count(working)} requests, {count(streams)} live pages
      </dd>
      <dt>Version</dt>
      <dd>{version}</dd>
    </dl>
  )
}

/** What came of asking for a feed, in words, and what to do. */
function judged({ outcome, ill, error, rows, name }: Feed): { state: State; words: string; advice: string } {
  const look = `maltrail feeds ${name}`
  switch (outcome) {
    case 'failed':
      return { state: 'ill', words: 'not reached', advice: `${error ?? 'it did not answer'}. ${rows > 0 ? 'The copy of before is used. ' : ''}Look with: ${look}` }
    case 'refused':
      return { state: 'ill', words: 'refused', advice: `${error ?? 'it is not what it should be'}. ${rows > 0 ? 'The copy of before is used. ' : ''}Look with: ${look}` }
    case 'keyless':
      return { state: 'off', words: 'not used', advice: `It wants a key that is not set. See: ${look}` }
    default:
      if (ill) return { state: 'unsure', words: rows === 0 ? 'empty' : 'stale', advice: `${rows === 0 ? 'Nothing came' : 'It did not change for long'}. Its makers may have given it up: ${look}` }
      return { state: 'well', words: outcome === 'fetched' ? 'new' : 'as before', advice: '' }
  }
}

const ORDER: readonly State[] = ['ill', 'unsure', 'well', 'off']

function FeedList({ feeds, now }: { readonly feeds: readonly Feed[]; readonly now: number }): JSX.Element {
  const rows = feeds.toSorted((a, b) => ORDER.indexOf(judged(a).state) - ORDER.indexOf(judged(b).state))
  const age = (at: string | null): JSX.Element | string => (at === null ? 'never' : <Ago at={at} now={now} />)
  const columns: SheetColumn<Feed>[] = [
    { key: 'state', title: 'State', by: (feed) => ORDER.indexOf(judged(feed).state), cell: (feed) => <Mark state={judged(feed).state}>{judged(feed).words}</Mark> },
    { key: 'name', title: 'Feed', by: ({ name }) => name, cell: ({ name }) => name },
    { key: 'rows', title: 'Trails', align: 'end', by: ({ rows }) => rows, cell: ({ rows }) => count(rows) },
    { key: 'asked', title: 'Last asked', by: ({ asked }) => asked ?? '', cell: ({ asked }) => age(asked) },
    { key: 'changed', title: 'Last changed', by: ({ changed }) => changed ?? '', cell: ({ changed }) => age(changed) },
    { key: 'advice', title: 'What to do', cell: (feed) => <span class="wrap">{judged(feed).advice}</span> },
  ]
  return <Sheet label="Feeds" columns={columns} rows={rows} keyOf={({ name }) => name} empty="No update made these trails here: there are no feeds to tell of. `maltrail update` fetches them." />
}
