/** Where the other ends of threats are: countries on a map and in a table, each leading to its addresses and their threats. */

import { useSignal } from '@preact/signals'
import type { FunctionComponent, JSX } from 'preact'
import { useEffect, useMemo } from 'preact/hooks'
import { problemOf } from '../model/api'
import { addressFacts, countryName } from '../model/names'
import { ask, go, openDays, progress, result, route, worker } from '../model/state'
import type { Place, Places } from '../model/threat'
import { count } from '../parts/format'
import { Sheet, type SheetColumn } from '../parts/sheet'
import { threatsOf, To } from '../parts/to'
import type { WorldProps } from '../parts/world/world'
import { MAX_CHARACTERS } from '../search/parse'

/** Addresses of a country that are listed. */
const MAX_LISTED = 200

interface CountryRow {
  readonly code: string
  readonly threats: number
  readonly events: number
  readonly places: readonly Place[]
}

export function MapPage(): JSX.Element {
  const number = result.value?.number
  const told = useSignal<Places | undefined>(undefined)
  useEffect(() => {
    if (number === undefined) return
    let stale = false
    void worker()
      .places()
      .then((places) => {
        if (!stale) told.value = places
      })
    return () => {
      stale = true
    }
  }, [number])
  const places = told.value
  if (places === undefined) return <p class="empty" aria-busy="true">{openDays.value.length === 0 ? 'No event has come yet.' : 'Loading …'}</p>
  return <Placed places={places} />
}

function Placed({ places: { places, distinct, threats } }: { readonly places: Places }): JSX.Element {
  // Each is a signal: what is not known yet comes by itself.
  const facts = useMemo(() => places.map(({ address }) => addressFacts(address)), [places])
  const known = facts.filter((fact) => fact.value !== undefined).length
  const rows = useMemo(() => countries(places), [places, known])
  const chosen = rows.find(({ code }) => code === route.value.subject)
  const placed = rows.reduce((sum, row) => sum + row.places.length, 0)
  const { noise } = route.value.query
  const choose = (code: string): void => go({ subject: code === route.peek().subject ? '' : code })
  return (
    <article class="page map">
      <h1>Where the other ends are</h1>
      <p class="soft" role="status">
        {known < places.length ? `Placing ${count(known)} of ${count(places.length)} addresses …` : words({ told: places.length, distinct, placed })}{' '}
        {count(threats)} threats of {openDays.value.length === 1 ? openDays.value[0] : `${openDays.value.length} days`} have one.
        {progress.value?.state === 'loading' && ' More are coming.'}
      </p>
      <label class="check">
        <input type="checkbox" checked={noise !== 'folded'} onChange={(event) => ask({ noise: event.currentTarget.checked ? 'shown' : 'folded' })} />
        <span>with what only knocks from outside</span>
      </label>
      {known === places.length && placed === 0 ? (
        <p class="notice">
          {places.length === 0
            ? 'No threat that is shown has an address of the Internet.'
            : 'No address can be placed: the server has no file that tells countries. Bring one (.mmdb, as of GeoLite2, DB-IP or ip-location-db) and name it with GEO_FILES.'}
        </p>
      ) : (
        <div class="map-parts">
          <Drawn counts={new Map(rows.map((row) => [row.code, row.threats]))} chosen={chosen?.code} onChoose={choose} />
          <div class="map-side">{chosen === undefined ? <Ranked rows={rows} onChoose={choose} /> : <Chosen row={chosen} onLeave={() => go({ subject: '' })} />}</div>
        </div>
      )}
    </article>
  )
}

function words({ told, distinct, placed }: { readonly told: number; readonly distinct: number; readonly placed: number }): string {
  const which = told < distinct ? `The ${count(told)} addresses with the most threats, of ${count(distinct)}, are looked at` : `All ${count(told)} addresses are looked at`
  return placed < told ? `${which}; of ${count(told - placed)} no country is known.` : `${which}.`
}

function countries(places: readonly Place[]): CountryRow[] {
  const found = new Map<string, { threats: number; events: number; places: Place[] }>()
  for (const place of places) {
    const code = addressFacts(place.address).peek()?.country
    if (code === undefined || code === null) continue
    const row = found.get(code) ?? { threats: 0, events: 0, places: [] }
    row.threats += place.threats
    row.events += place.events
    row.places.push(place)
    found.set(code, row)
  }
  return Array.from(found, ([code, row]) => ({ code, ...row })).sort((a, b) => b.threats - a.threats || (a.code < b.code ? -1 : 1))
}

/** The map itself comes when it is first wanted. */
function Drawn(props: WorldProps): JSX.Element {
  const world = useSignal<{ readonly World: FunctionComponent<WorldProps>; readonly isDrawn: (code: string) => boolean } | undefined>(undefined)
  const problem = useSignal<string | undefined>(undefined)
  useEffect(() => {
    import('../parts/world/world').then(
      (loaded) => (world.value = loaded),
      (error: unknown) => (problem.value = problemOf(error)),
    )
  }, [])
  const loaded = world.value
  if (loaded === undefined) return <div class="world">{problem.value !== undefined && <p role="alert">The map cannot be loaded: {problem.value}</p>}</div>
  const small = [...props.counts.keys()].filter((code) => !loaded.isDrawn(code))
  return (
    <div>
      <loaded.World {...props} />
      {small.length > 0 && <p class="soft">Too small to be drawn: {small.map(countryName).join(', ')}.</p>}
    </div>
  )
}

function Ranked({ rows, onChoose }: { readonly rows: readonly CountryRow[]; readonly onChoose: (code: string) => void }): JSX.Element {
  const columns: SheetColumn<CountryRow>[] = [
    {
      key: 'country',
      title: 'Country',
      by: ({ code }) => countryName(code),
      cell: ({ code }) => (
        <button type="button" class="plain" onClick={() => onChoose(code)}>
          <span class="code">{code}</span> {countryName(code)}
        </button>
      ),
    },
    { key: 'threats', title: 'Threats', align: 'end', by: ({ threats }) => threats, cell: ({ threats }) => count(threats) },
    { key: 'events', title: 'Events', align: 'end', by: ({ events }) => events, cell: ({ events }) => count(events) },
    { key: 'addresses', title: 'Addresses', align: 'end', by: ({ places }) => places.length, cell: ({ places }) => count(places.length) },
  ]
  return <Sheet label="Countries" columns={columns} rows={rows} keyOf={({ code }) => code} empty="No country is known yet." />
}

const PLACES: readonly SheetColumn<Place>[] = [
  { key: 'address', title: 'Address', cell: ({ address }) => <To page="host" subject={address} /> },
  { key: 'network', title: 'Network', cell: ({ address }) => <Network address={address} /> },
  { key: 'threats', title: 'Threats', align: 'end', by: ({ threats }) => threats, cell: ({ threats }) => count(threats) },
  { key: 'events', title: 'Events', align: 'end', by: ({ events }) => events, cell: ({ events }) => count(events) },
]

function Network({ address }: { readonly address: string }): JSX.Element {
  const facts = addressFacts(address).value
  return <span class="soft">{[facts?.asn === null || facts === undefined ? '' : `AS${facts.asn}`, facts?.organization ?? ''].join(' ').trim()}</span>
}

function Chosen({ row: { code, places, threats, events }, onLeave }: { readonly row: CountryRow; readonly onLeave: () => void }): JSX.Element {
  const { search, taken } = searchFor(places)
  return (
    <section aria-label={countryName(code)}>
      <h2>
        {countryName(code)}{' '}
        <button type="button" class="plain" onClick={onLeave}>
          all countries
        </button>
      </h2>
      <p>
        {count(threats)} threats with {count(events)} events, {count(places.length)} addresses.{' '}
        <a href={threatsOf(search)}>{taken < places.length ? `Threats of the first ${count(taken)} addresses` : 'Show these threats'}</a>
      </p>
      <Sheet label={`Addresses in ${countryName(code)}`} columns={PLACES} rows={places.slice(0, MAX_LISTED)} keyOf={({ address }) => address} empty="" />
      {places.length > MAX_LISTED && <p class="soft">{count(places.length - MAX_LISTED)} more have fewer threats.</p>}
    </section>
  )
}

/** A search for threats of these addresses, of as many as a search may name. */
function searchFor(places: readonly Place[]): { readonly search: string; readonly taken: number } {
  const rest = route.peek().query.search
  const write = (list: string): string => [rest === '' ? '' : `(${rest})`, `(src:${list} OR dst:${list})`].join(' ').trim()
  let [list, taken] = ['', 0]
  for (const { address } of places) {
    const longer = list === '' ? address : `${list},${address}`
    if (write(longer).length > MAX_CHARACTERS) break
    list = longer
    taken++
  }
  return { search: write(list), taken }
}
