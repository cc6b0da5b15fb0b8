/** Threats that have something in common with one. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { go, result, route, worker } from '../../model/state'
import { writeRoute } from '../../model/route'
import type { Alike, Related, Threat } from '../../model/threat'
import { plural } from '../../parts/format'
import { Severity } from '../../parts/severity'
import { write, type Term } from '../../search/edit'
import { Section } from './detail'

export function RelatedThreats({ threat }: { readonly threat: Threat }): JSX.Element | null {
  const related = useSignal<Related | undefined>(undefined)
  const number = result.value?.number
  useEffect(() => {
    let over = false
    void worker()
      .related(threat.id)
      .then((found) => {
        if (!over) related.value = found
      })
    return () => {
      over = true
    }
  }, [threat.id, number])
  const now = related.value
  if (now === undefined) return null
  if (now.host.all + now.indicator.all + now.family.all === 0) return null
  return (
    <Section title="Related">
      <Some title="The same host" alike={now.host} term={{ field: 'src', value: threat.source }} show={(other) => [other.info, other.shown]} />
      <Some title="The same indicator" alike={now.indicator} term={{ field: 'trail', value: threat.indicator }} show={(other) => [other.source, '']} />
      <Some title="The same family" alike={now.family} term={{ field: 'family', value: threat.family }} show={(other) => [other.source, other.shown]} />
    </Section>
  )
}

interface SomeProps {
  readonly title: string
  readonly alike: Alike
  readonly term: Term
  readonly show: (other: Threat) => readonly [string, string]
}

function Some({ title, alike, term, show }: SomeProps): JSX.Element | null {
  const { threats, all } = alike
  if (all === 0) return null
  const now = route.value
  const query = { ...now.query, search: write(term), group: 'none' as const, noise: 'shown' as const }
  return (
    <>
      <h4>
        {title} <a href={writeRoute({ ...now, query, threat: undefined })}>{plural(all, 'other')}</a>
      </h4>
      <ul class="related">
        {threats.map((other) => {
          const [first, second] = show(other)
          return (
            <li key={other.id}>
              <button type="button" class="value" onClick={() => go({ threat: other.id })}>
                <Severity severity={other.severity} /> <span>{first}</span> {second !== '' && <span class="mono soft">{second}</span>}
              </button>
            </li>
          )
        })}
      </ul>
    </>
  )
}
