/** What was seen in all traffic of what is hunted: when, by whom, what it led to. */

import type { JSX } from 'preact'
import { observableOf } from '../model/hunt'
import type { Pair, Seen } from '../model/subject'
import { Given, useAnswer } from '../parts/answer'
import { count } from '../parts/format'
import { Ago } from '../parts/moment'
import { To } from '../parts/to'

/** Rows of each kind that stand beside a hunt. */
const FEW = 20

interface Hosts {
  readonly hosts: readonly (Seen & { readonly host: string | null })[]
  readonly more: string | null
}

interface Pairs {
  readonly pairs: readonly Pair[]
  readonly more: string | null
}

export function ObservedBeside({ query }: { readonly query: string }): JSX.Element | null {
  const value = observableOf(query)
  const asked = value === undefined ? undefined : new URLSearchParams({ q: value, limit: String(FEW) }).toString()
  const hosts = useAnswer<Hosts>(asked === undefined ? undefined : `api/v1/observables/hosts?${asked}`)
  const pairs = useAnswer<Pairs>(asked === undefined ? undefined : `api/v1/observables/pairs?${asked}`)
  if (value === undefined) return null
  return (
    <section aria-label="In all traffic">
      <h2>
        In all traffic <span class="soft">listed or not</span>
      </h2>
      <Given answer={hosts} what="Hosts that touched it">
        {({ hosts, more }) =>
          hosts.length === 0 ? (
            <p class="none">No host touched it, or observables are not collected here (SAVE_OBSERVABLES).</p>
          ) : (
            <>
              <h3>
                {count(hosts.length)}
                {more === null ? '' : ' and more'} hosts touched it
              </h3>
              <ul class="seen">
                {hosts.map((row) => (
                  <li key={row.host}>
                    {row.host === null ? 'not known' : <To page="host" subject={row.host} />}{' '}
                    <span class="soft">
                      {count(row.count)} times, last <Ago at={row.last} />
                    </span>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Given>
      <Given answer={pairs} what="Names and addresses">
        {({ pairs, more }) =>
          pairs.length > 0 && (
            <>
              <h3>Passive DNS{more === null ? '' : ', the first of more'}</h3>
              <ul class="seen">
                {pairs.map((row) => (
                  <li key={`${row.name} ${row.address}`}>
                    <To page="trail" subject={row.name} /> → <To page="host" subject={row.address} />{' '}
                    <span class="soft">
                      last <Ago at={row.last} />
                    </span>
                  </li>
                ))}
              </ul>
            </>
          )
        }
      </Given>
    </section>
  )
}
