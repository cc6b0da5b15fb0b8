/** A family of malware, or another thing that trails say: which hosts, which indicators, since when. */

import type { JSX } from 'preact'
import { To } from '../parts/to'
import { Tops } from '../parts/tops'
import { Peer } from './host'
import { SubjectPage, Worst } from './subject'

export function Family(): JSX.Element {
  return (
    <SubjectPage path="families" kind="Family" about={(subject) => <Worst subject={subject} />}>
      {(subject) => (
        <div class="thirds">
          <Tops title="As trails call it" top={subject.infos} cell={({ value }) => value} />
          <Tops title="Sources" top={subject.sources} cell={(peer) => <Peer {...peer} />} />
          <Tops title="Destinations" top={subject.destinations} cell={(peer) => <Peer {...peer} />} />
          <Tops title="Indicators" top={subject.indicators} cell={({ value }) => <To page="trail" subject={value} />} />
          <Tops title="Lists" top={subject.references} cell={({ value }) => value} />
          <Tops title="Types" top={subject.kinds} cell={({ value }) => value} />
          <Tops title="Ports" top={subject.ports} cell={({ value }) => value} />
          <Tops title="Seen by" top={subject.sensors} cell={({ value }) => value} />
        </div>
      )}
    </SubjectPage>
  )
}
