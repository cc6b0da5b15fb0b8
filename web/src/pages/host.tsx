/** One machine: what it did and what was done to it, on all days. */

import type { JSX } from 'preact'
import { familyOf, type Counted, type Subject } from '../model/subject'
import { placeOf, To } from '../parts/to'
import { Tops } from '../parts/tops'
import { Facts, Listings, SubjectPage, Traffic, Worst } from './subject'

export function Host(): JSX.Element {
  return (
    <SubjectPage path="hosts" kind="Host" about={about}>
      {(subject) => (
        <>
          <div class="thirds">
            <Tops title="What" top={subject.infos} cell={({ value }) => <a href={placeOf('family', familyOf(value))}>{value}</a>} />
            <Tops title="Indicators" top={subject.indicators} cell={({ value }) => <To page="trail" subject={value} />} />
            <Tops title="Peers" top={peers(subject)} cell={(peer) => <Peer {...peer} />} />
            <Tops title="Ports" top={subject.ports} cell={({ value }) => value} />
            <Tops title="Seen by" top={subject.sensors} cell={({ value }) => value} />
          </div>
          <Listings listed={subject.listed} none="No list has this address." />
          <Traffic observed={subject.observed} />
        </>
      )}
    </SubjectPage>
  )
}

function about(subject: Subject): JSX.Element {
  return (
    <>
      <Worst subject={subject} />
      <Facts known={subject.known} />
    </>
  )
}

/** Whom it had to do with: sources and destinations without itself. */
function peers({ name, sources, destinations }: Subject): Subject['sources'] {
  const values = [...destinations.values, ...sources.values].filter(({ value }) => value !== name).toSorted((a, b) => b.events - a.events)
  const itself = [sources, destinations].filter((top) => top.values.some(({ value }) => value === name)).length
  return { values, distinct: sources.distinct + destinations.distinct - itself, capped: sources.capped || destinations.capped }
}

/** An address with what is known of it. */
export function Peer({ value, known }: Counted): JSX.Element {
  const words = [known?.alias, known?.country, known?.resolver].filter((word) => word !== null && word !== undefined)
  return (
    <>
      <To page="host" subject={value} />
      {words.length > 0 && <span class="soft"> {words.join(', ')}</span>}
    </>
  )
}
