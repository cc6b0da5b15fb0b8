/** What pages of hosts, families and trails have in common: over all days above, the threats of the open days in the middle. */

import type { ComponentChildren, JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { countryName } from '../model/names'
import { go, openDays, result, route } from '../model/state'
import { familyOf, type Known, type Listing, type Observed, type Pair, type Seen, type Subject } from '../model/subject'
import { useAnswer, Given } from '../parts/answer'
import { DayBars } from '../parts/daybars'
import { count } from '../parts/format'
import { Ago, Moment } from '../parts/moment'
import { Reference } from '../parts/reference'
import { Severity } from '../parts/severity'
import { Sheet, type SheetColumn } from '../parts/sheet'
import { placeOf, To } from '../parts/to'
import { SEVERITIES } from '../model/vocabulary'
import { Detail } from './threats/detail'
import { listen } from './threats/keys'
import { List } from './threats/list'

interface SubjectPageProps {
  /** `hosts`, as the server's path has it. */
  readonly path: 'hosts' | 'families' | 'trails'
  readonly kind: string
  /** What stands beside the name. */
  readonly about: (subject: Subject) => ComponentChildren
  readonly children: (subject: Subject) => ComponentChildren
}

export function SubjectPage({ path, kind, about, children }: SubjectPageProps): JSX.Element {
  const name = route.value.subject
  const answer = useAnswer<Subject>(name === '' ? undefined : `api/v1/${path}/${encodeURIComponent(name)}`)
  useEffect(listen, [])
  const { threat } = route.value
  if (name === '') return <Which kind={kind} />
  const page = (
    <article class="page subject">
      <p class="kind">{kind}</p>
      <h1 class="mono">{name}</h1>
      <Given answer={answer} what={`What is known of this ${kind.toLowerCase()}`}>
        {(subject) => (
          <>
            <div class="about">
              {about(subject)}
              <Span subject={subject} />
              <a href={placeOf('hunt', name, { days: undefined })}>Hunt in all events</a>
            </div>
            {subject.events > 0 && (
              <section aria-label="Days">
                <DayBars known={subject.days} />
              </section>
            )}
            <Threats subject={subject} />
            {children(subject)}
          </>
        )}
      </Given>
    </article>
  )
  return (
    <div class="threats">
      {page}
      {threat !== undefined && <Detail id={threat} />}
    </div>
  )
}

function Which({ kind }: { readonly kind: string }): JSX.Element {
  return (
    <article class="page">
      <h1>{kind}</h1>
      <p class="none">Choose one in the table of threats, or type it after the / in the address.</p>
    </article>
  )
}

/** Since when, until when, how often. */
function Span({ subject: { first, last, events, days } }: { readonly subject: Subject }): JSX.Element {
  if (first === null || last === null) return <p>No event that is kept is about it.</p>
  return (
    <p>
      <b>{count(events)}</b> {events === 1 ? 'event' : 'events'} on <b>{count(days.length)}</b> {days.length === 1 ? 'day' : 'days'}, first <Moment at={first} />, last{' '}
      <Moment at={last} /> (<Ago at={last} />)
    </p>
  )
}

/** Threats of the open days: the same table with the same keys as on the first page. */
function Threats({ subject }: { readonly subject: Subject }): JSX.Element | null {
  const now = result.value
  const all = subject.days
  const [first, last] = [all[0]?.day, all.at(-1)?.day]
  if (first === undefined || last === undefined) return null
  const open = openDays.value
  const told = open.length <= 1 ? `on ${open[0] ?? 'no day'}` : `from ${open[0] ?? ''} to ${open.at(-1) ?? ''}`
  const others = all.some(({ day }) => !open.includes(day))
  return (
    <section aria-labelledby="listed">
      <h2 id="listed">
        Threats <span class="soft">{told}</span>
        {others && (
          <button type="button" class="plain" onClick={() => go({ days: { first, last } })}>
            open all its days
          </button>
        )}
      </h2>
      {now?.summary.rows === 0 ? (
        <p class="none">Nothing of it on {open.length <= 1 ? 'this day' : 'these days'}. Choose a day with a bar above.</p>
      ) : (
        <div class="window">{now !== undefined && <List />}</div>
      )}
    </section>
  )
}

/** Where an address is, and who runs it. */
export function Facts({ known }: { readonly known: Known | null }): JSX.Element | null {
  if (known === null) return null
  const { alias, country, city, asn, organization, resolver, range, own } = known
  const parts: ComponentChildren[] = []
  if (alias !== null) parts.push(<b>{alias}</b>)
  if (own) parts.push('own network')
  else if (range !== 'internet') parts.push(`${range.replace('_', ' ')} address`)
  if (country !== null) parts.push(`${countryName(country)} (${country})`)
  if (city !== null) parts.push(city)
  if (asn !== null || organization !== null) parts.push([asn === null ? '' : `AS${asn}`, organization ?? ''].join(' ').trim())
  if (resolver !== null) parts.push(`public resolver of ${resolver}`)
  if (parts.length === 0) return null
  return (
    <ul class="facts-line">
      {parts.map((part, at) => (
        <li key={at}>{part}</li>
      ))}
    </ul>
  )
}

/** The worst of it, as shape and word. */
export function Worst({ subject: { severity } }: { readonly subject: Subject }): JSX.Element | null {
  if (severity === null) return null
  return (
    <p>
      <Severity severity={SEVERITIES.indexOf(severity)} /> {severity} at worst
    </p>
  )
}

/** What lists it now, with who says so. */
export function Listings({ listed, none }: { readonly listed: readonly Listing[]; readonly none: string }): JSX.Element {
  return (
    <section aria-labelledby="lists">
      <h2 id="lists">On lists now</h2>
      {listed.length === 0 && <p class="none">{none}</p>}
      {listed.map((listing, at) => (
        <div class="listing" key={`${listing.kind} ${listing.trail}`}>
          <p>
            <Severity severity={SEVERITIES.findIndex((severity) => severity === listing.severity)} /> <To page="trail" subject={listing.trail} />{' '}
            <span class="soft">
              {listing.kind}
              {at > 0 && ', which covers it as well'}
            </span>
          </p>
          <ul>
            {listing.sources.map((source) => (
              <li key={`${source.reference} ${source.info}`}>
                <Reference reference={source.reference} link={source.link} />: <a href={placeOf('family', familyOf(source.info))}>{source.info}</a>
              </li>
            ))}
          </ul>
          <p class="soft">
            {listing.severity} severity, confidence {listing.confidence} of 100
          </p>
        </div>
      ))}
    </section>
  )
}

const SEEN: readonly SheetColumn<Seen>[] = [
  { key: 'count', title: 'Times', align: 'end', by: ({ count }) => count, cell: (row) => count(row.count) },
  { key: 'first', title: 'First', by: ({ first }) => first, cell: ({ first }) => <Moment at={first} /> },
  { key: 'last', title: 'Last', by: ({ last }) => last, cell: ({ last }) => <Moment at={last} /> },
]

const PAIRS: readonly SheetColumn<Pair>[] = [
  { key: 'name', title: 'Name', by: ({ name }) => name, cell: ({ name }) => <To page="trail" subject={name} /> },
  { key: 'address', title: 'Address', by: ({ address }) => address, cell: ({ address }) => <To page="host" subject={address} /> },
  { key: 'hosts', title: 'Told to hosts', align: 'end', by: ({ hosts }) => hosts, cell: ({ hosts }) => count(hosts) },
  ...SEEN,
]

type Touching = Observed['hosts'][number]

const HOSTS: readonly SheetColumn<Touching>[] = [
  { key: 'host', title: 'Host', by: ({ host }) => host ?? '', cell: ({ host }) => (host === null ? 'not known' : <To page="host" subject={host} />) },
  ...SEEN,
]

/** What was seen of it in all traffic, listed or not. */
export function Traffic({ observed }: { readonly observed: Observed | null }): JSX.Element {
  return (
    <section aria-labelledby="traffic">
      <h2 id="traffic">
        In all traffic <span class="soft">listed or not</span>
      </h2>
      {observed === null ? (
        <p class="none">Nothing was seen of it, or observables are not collected here (SAVE_OBSERVABLES).</p>
      ) : (
        <>
          {observed.seen !== null && (
            <p>
              Seen <b>{count(observed.seen.count)}</b> times, first <Moment at={observed.seen.first} />, last <Moment at={observed.seen.last} />
            </p>
          )}
          {observed.pairs.length > 0 && (
            <>
              <h3>Which names led to which addresses</h3>
              <Sheet label="Names and addresses" columns={PAIRS} rows={observed.pairs} keyOf={({ name, address }) => `${name} ${address}`} empty="" />
              {observed.more_pairs && <p class="soft">There are more; these come first.</p>}
            </>
          )}
          {observed.hosts.length > 0 && (
            <>
              <h3>Hosts that touched it</h3>
              <Sheet label="Hosts that touched it" columns={HOSTS} rows={observed.hosts} keyOf={({ host }) => host ?? ''} empty="" />
              {observed.more_hosts && <p class="soft">There are more; these come first.</p>}
            </>
          )}
        </>
      )}
    </section>
  )
}
