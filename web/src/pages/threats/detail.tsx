/** All that is known of one threat: why it matched, since when, with whom, what was decided, every event. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { now } from '../../model/clock'
import { lookups } from '../../model/lookups'
import { serviceOf } from '../../model/names'
import { prefer, preferences } from '../../model/preferences'
import { go, result, worker } from '../../model/state'
import type { Threat, Told } from '../../model/threat'
import { PROTOCOLS, REASONS } from '../../model/vocabulary'
import { wide } from '../../model/window'
import { Address } from '../../parts/address'
import type { Subject } from '../../model/subject'
import { useAnswer, type Answer } from '../../parts/answer'
import { Reference } from '../../parts/reference'
import { count, lasted, plural } from '../../parts/format'
import { openMenu } from '../../parts/menu'
import { Evidence } from '../../parts/severity'
import { placeOf } from '../../parts/to'
import { items, Value } from '../../parts/value'
import { moment, When } from '../../parts/when'
import { Indicator } from './columns'
import { Events } from './events'
import { RelatedThreats } from './related'
import { TriageBox } from './decided'

/** Pixels of the detail at least, and of the table beside it. */
const MIN_DETAIL = 340
const MIN_TABLE = 480
/** Pixels for an arrow key. */
const STEP = 24

export function Detail({ id }: { readonly id: string }): JSX.Element {
  const threat = useSignal<Threat | undefined | 'gone'>(undefined)
  const number = result.value?.number
  useEffect(() => {
    let over = false
    void worker()
      .threat(id)
      .then((found) => {
        if (!over) threat.value = found ?? 'gone'
      })
    return () => {
      over = true
    }
  }, [id, number])
  const width = wide.value ? { width: `${preferences.value.detail}px` } : {}
  const shown = threat.value
  return (
    <>
      {wide.value && <Splitter />}
      <aside class="detail" aria-label="Detail of the threat" style={width}>
        {shown === undefined ? (
          <p class="empty" aria-busy="true" />
        ) : shown === 'gone' ? (
          <Gone />
        ) : (
          <Whole key={shown.id} threat={shown} />
        )}
      </aside>
    </>
  )
}

const close = (): void => {
  go({ threat: undefined })
  document.querySelector<HTMLElement>('[role=grid]')?.focus()
}

function Close(): JSX.Element {
  return (
    <button type="button" class="plain close" aria-label="Close the detail" title="Esc" onClick={close}>
      ×
    </button>
  )
}

function Gone(): JSX.Element {
  return (
    <div class="detail-head">
      <p>This threat is not among those of the days that are open. A link may have meant other days.</p>
      <Close />
    </div>
  )
}

function Whole({ threat }: { readonly threat: Threat }): JSX.Element {
  const subject = useAnswer<Subject>(`api/v1/trails/${encodeURIComponent(threat.indicator)}`)
  return (
    <>
      <div class="detail-head">
        <Evidence score={threat.score} severity={threat.severity} />
        <h2>
          <Value field="family" value={threat.family} page="family">
            {threat.info}
          </Value>
        </h2>
        <p>
          <Address field="src" value={threat.source} />
          <span class="soft" aria-hidden="true">
            {' '}
            →{' '}
          </span>
          <span class="soft">{threat.kind}</span> <Indicator row={threat} />
        </p>
        <More threat={threat} />
        <Close />
      </div>
      <div class="detail-body">
        <TriageBox threat={threat} />
        <Why threat={threat} subject={subject} />
        <Time threat={threat} />
        <Peers threat={threat} />
        <RelatedThreats threat={threat} />
        <Observed threat={threat} subject={subject} />
        <Outside threat={threat} />
        <Events key={threat.id} threat={threat} />
      </div>
    </>
  )
}

/** The menu of the indicator, for those who have no right button. */
function More({ threat }: { readonly threat: Threat }): JSX.Element {
  const term = { field: 'trail', value: threat.indicator, page: 'trail' } as const
  return (
    <button
      type="button"
      class="plain menu-key"
      aria-label="What to do with the indicator"
      aria-haspopup="menu"
      onClick={(event) => openMenu(`What to do with ${threat.indicator}`, event.currentTarget.getBoundingClientRect(), items(term))}
    >
      ⋯
    </button>
  )
}

export function Section({ title, aside, children }: { readonly title: string; readonly aside?: ComponentChildren; readonly children: ComponentChildren }): JSX.Element {
  return (
    <section>
      <h3>
        {title} {aside !== undefined && <span class="soft">{aside}</span>}
      </h3>
      {children}
    </section>
  )
}

interface OfTrail {
  readonly threat: Threat
  /** What the server knows of the indicator. */
  readonly subject: Answer<Subject>
}

function Why({ threat, subject: { value, problem } }: OfTrail): JSX.Element {
  const reasons = REASONS.filter(({ bit }) => (threat.reasons & bit) !== 0)
  const heuristic = threat.reference === '(heuristic)'
  return (
    <Section title="Why" aside={`evidence ${threat.score} of 100`}>
      <p>
        {heuristic ? 'Found by what it does, on no list: ' : 'Listed as '}
        <b>{threat.info}</b> {!heuristic && <>by <span class="mono">{threat.reference || 'a list without a name'}</span></>}
        {threat.confidence > 0 && <span class="soft">, confidence {threat.confidence} %</span>}
      </p>
      <ul class="reasons">
        {reasons.map(({ name, words }) => (
          <li key={name} class={/less sure|spent/.test(words) ? 'less' : ''}>
            {words}
          </li>
        ))}
      </ul>
      {value?.listed.map((listing) => (
        <div key={listing.trail} class="listing">
          <p>
            <span class="mono">{listing.trail}</span> <span class="soft">is listed now</span>
          </p>
          <ul>
            {listing.sources.map(({ reference, info, link }) => (
              <li key={`${reference} ${info}`}>
                <Reference reference={reference} link={link} /> <span class="soft">{info}</span>
              </li>
            ))}
          </ul>
        </div>
      ))}
      {value?.listed.length === 0 && !heuristic && <p class="soft">No list that is here names it now.</p>}
      {problem !== undefined && <p class="soft">Who lists it now cannot be read: {problem}</p>}
    </Section>
  )
}

function Time({ threat }: { readonly threat: Threat }): JSX.Element {
  const { first, last } = threat
  const bins = result.value?.summary.bins ?? []
  const most = Math.max(1, ...threat.activity)
  const n = Math.max(1, threat.activity.length)
  const bars = threat.activity.map((value, at) => {
    const height = value === 0 ? 0 : Math.max(2, 36 * Math.sqrt(value / most))
    return (
      <g key={at}>
        <rect class="hit" x={at} y="0" width="1" height="36">
          <title>{`${bins[at] === undefined ? '' : moment(bins[at].at)}: ${plural(value, 'event')}`}</title>
        </rect>
        {value > 0 && <rect x={at + 0.08} width={0.84} y={36 - height} height={height} />}
      </g>
    )
  })
  const busy = threat.activity.filter((value) => value > 0).length
  return (
    <Section title="When" aside={`${plural(threat.count, 'event')}${threat.lines === threat.count ? '' : ` in ${plural(threat.lines, 'line')}`}`}>
      <svg class="hours" viewBox={`0 0 ${n} 36`} preserveAspectRatio="none" role="img" aria-label={`Events in ${busy} of ${n} hours`}>
        {bars}
      </svg>
      <dl class="facts">
        <dt>First</dt>
        <dd>{moment(first)}</dd>
        <dt>Last</dt>
        <dd>
          {moment(last)} <span class="soft">({lasted(Math.max(0, now.value - last))} ago)</span>
        </dd>
        <dt>Over</dt>
        <dd>
          {lasted(last - first)}, in {busy} of {n} hours
        </dd>
      </dl>
    </Section>
  )
}

function Peers({ threat }: { readonly threat: Threat }): JSX.Element {
  const { destinations, ports, sensors, protocol } = threat
  return (
    <Section title="With whom">
      <dl class="facts">
        <dt>From</dt>
        <dd>
          <Address field="src" value={threat.source} />
          {threat.site !== '' && <span class="soft"> at {threat.site}</span>}
        </dd>
        <dt>To</dt>
        <dd>
          <Many told={destinations} one={(value) => <Address field="dst" value={value} />} />
        </dd>
        <dt>Ports</dt>
        <dd>
          <span class="soft">{PROTOCOLS.get(protocol) ?? `protocol ${protocol}`}</span>{' '}
          <Many told={ports} one={(port) => <Port port={port} protocol={protocol} />} />
        </dd>
        <dt>Seen by</dt>
        <dd>
          <Many told={sensors} one={(sensor) => <Value field="sensor" value={sensor} />} />
        </dd>
      </dl>
    </Section>
  )
}

function Port({ port, protocol }: { readonly port: number; readonly protocol: number }): JSX.Element {
  const service = serviceOf(port, protocol)
  return (
    <span class="address">
      <Value field="port" value={String(port)} />
      {service !== undefined && <span class="alias">{service.title}</span>}
    </span>
  )
}

/** All values that are told, and how many more there are. */
function Many<T extends string | number>({ told, one }: { readonly told: Told<T>; readonly one: (value: T) => JSX.Element }): JSX.Element {
  return (
    <span class="many">
      {told.values.map((value) => (
        <span key={value}>{one(value)}</span>
      ))}
      {told.more > 0 && <span class="soft">and {count(told.more)} more, in the events below</span>}
    </span>
  )
}

function Observed({ threat, subject: { value } }: OfTrail): JSX.Element | null {
  const seen = value?.observed
  if (seen?.seen === undefined || seen.seen === null) return null
  return (
    <Section title="In all traffic">
      <p>
        Seen {count(seen.seen.count)} times by {plural(seen.hosts.length, 'host')}
        {seen.more_hosts && ' and more'}, first {moment(Date.parse(seen.seen.first) / 1000)}.
      </p>
      {seen.pairs.length > 0 && (
        <ul class="pairs">
          {seen.pairs.slice(0, MAX_PAIRS).map(({ name, address, last }) => (
            <li key={`${name} ${address}`}>
              <span class="mono">{name}</span> → <Address field="dst" value={address} /> <span class="soft"><When at={Date.parse(last) / 1000} /></span>
            </li>
          ))}
        </ul>
      )}
      {(seen.more_pairs || seen.pairs.length > MAX_PAIRS) && <a href={placeOf('trail', threat.indicator)}>All of them on its page</a>}
    </Section>
  )
}

const MAX_PAIRS = 8

function Outside({ threat }: { readonly threat: Threat }): JSX.Element | null {
  const of = [...lookups('trail', threat.indicator), ...lookups('src', threat.source), ...lookups('family', threat.family)]
  const links = [...new Map(of.map((link) => [link.href, link])).values()]
  if (links.length === 0) return null
  return (
    <Section title="Look up outside" aside="leaves this server">
      <p class="links">
        {links.map(({ name, href }) => (
          <Reference key={href} reference={name} link={href} />
        ))}
      </p>
    </Section>
  )
}

/** Between table and detail: drawn, or moved by arrows. */
function Splitter(): JSX.Element {
  const bar = useRef<HTMLDivElement>(null)
  const set = (width: number): void => {
    const most = Math.max(MIN_DETAIL, innerWidth - MIN_TABLE)
    prefer({ detail: Math.round(Math.min(Math.max(width, MIN_DETAIL), most)) })
  }
  return (
    <div
      ref={bar}
      class="splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the detail"
      aria-valuenow={preferences.value.detail}
      aria-valuemin={MIN_DETAIL}
      aria-valuemax={Math.max(MIN_DETAIL, innerWidth - MIN_TABLE)}
      tabIndex={0}
      onKeyDown={(event) => {
        const by = { ArrowLeft: STEP, ArrowRight: -STEP }[event.key]
        if (by === undefined) return
        event.preventDefault()
        set(preferences.peek().detail + by)
      }}
      onPointerDown={(event) => {
        event.preventDefault()
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={(event) => {
        if (bar.current?.hasPointerCapture(event.pointerId) === true) set(innerWidth - event.clientX)
      }}
    />
  )
}

