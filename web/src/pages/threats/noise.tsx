/** What only knocks from outside: a line for each class, counted, one click away. */

import type { JSX } from 'preact'
import { ask, result, route } from '../../model/state'
import { compact, count, plural } from '../../parts/format'
import { When } from '../../parts/when'
import { NOISE_WORDS } from './words'

export function Noise(): JSX.Element | null {
  const summary = result.value?.summary
  if (summary === undefined || summary.noise.length === 0) return null
  const { noise } = route.value.query
  const all = summary.noise.reduce((sum, { threats }) => sum + threats, 0)
  return (
    <section class="noise" aria-label="Noise from outside">
      <p>
        <b>Noise from outside</b>{' '}
        <span class="soft" title="Scanners and addresses of ill repute that knock at the door, and nobody of ours that answered">
          {plural(all, 'threat')} {noise === 'folded' ? (summary.folded ? 'folded away' : 'shown: nothing else is like that') : 'shown'}
        </span>{' '}
        <button type="button" aria-pressed={noise === 'shown'} onClick={() => ask({ noise: noise === 'folded' ? 'shown' : 'folded' })}>
          {noise === 'folded' ? 'Show all' : 'Fold away'}
        </button>
      </p>
      <ul>
        {summary.noise.map((each) => (
          <li key={each.class}>
            <button
              type="button"
              aria-pressed={noise === each.class}
              title={`${plural(each.threats, 'threat')}, ${plural(each.events, 'event')}, ${plural(each.hosts, 'source')}`}
              onClick={() => ask({ noise: noise === each.class ? 'folded' : each.class })}
            >
              <span>{NOISE_WORDS[each.class]}</span> <b>{compact(each.threats)}</b>
              <span class="soft extra">
                from {count(each.hosts)}, last <When at={each.last} />
              </span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  )
}
