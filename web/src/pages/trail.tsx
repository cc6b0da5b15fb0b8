/** One trail: who lists it, who touched it, and since when. */

import type { JSX } from 'preact'
import { familyOf, type Subject } from '../model/subject'
import { placeOf } from '../parts/to'
import { Tops } from '../parts/tops'
import { Peer } from './host'
import { Reference } from '../parts/reference'
import { Facts, Listings, SubjectPage, Traffic, Worst } from './subject'

export function Trail(): JSX.Element {
  return (
    <SubjectPage path="trails" kind="Trail" about={about}>
      {(subject) => (
        <>
          <Listings
            listed={subject.listed}
            none={subject.events > 0 ? 'No list has it now: events with it were written when one did, or by a rule of thumb.' : 'No list has it: nothing would be told of it.'}
          />
          <div class="thirds">
            <Tops title="Who touched it" top={subject.sources} cell={(peer) => <Peer {...peer} />} />
            <Tops title="Destinations" top={subject.destinations} cell={(peer) => <Peer {...peer} />} />
            <Tops title="Indicators" top={subject.indicators} cell={({ value }) => <span class="mono">{value}</span>} />
            <Tops title="What events said" top={subject.infos} cell={({ value }) => <a href={placeOf('family', familyOf(value))}>{value}</a>} />
            <Tops title="By the lists" top={subject.references} cell={({ value }) => <Reference reference={value} link={value} />} />
            <Tops title="Ports" top={subject.ports} cell={({ value }) => value} />
            <Tops title="Seen by" top={subject.sensors} cell={({ value }) => value} />
          </div>
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
