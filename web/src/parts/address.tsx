/** An address as people know it: its name beside it, its country, who runs it. */

import type { JSX } from 'preact'
import { addressFacts, countryName } from '../model/names'
import { Value, type ValueProps } from './value'

type Props = Omit<ValueProps, 'field' | 'children' | 'page'> & {
  readonly field: 'src' | 'dst'
  /** Others beside it that are not shown. */
  readonly more?: number
}

export function Address({ field, value, more = 0, ...rest }: Props): JSX.Element {
  const facts = addressFacts(value).value
  const network = typeof facts?.organization !== 'string' ? undefined : `${facts.organization}${facts.asn === null ? '' : ` (AS${facts.asn})`}`
  const name = facts?.alias ?? facts?.resolver ?? undefined
  return (
    <span class="address">
      {typeof facts?.country === 'string' && <Country code={facts.country} city={facts.city} />}
      <Value field={field} value={value} page="host" class="mono" {...(network === undefined ? {} : { title: network })} {...rest} />
      {name !== undefined && <span class="alias">{name}</span>}
      {more > 0 && (
        <span class="more" title={`and ${more} more`}>
          +{more}
        </span>
      )}
    </span>
  )
}

/** Two letters, and the name on a closer look. */
export function Country({ code, city }: { readonly code: string; readonly city?: string | null }): JSX.Element {
  const name = countryName(code)
  return (
    <abbr class="country" title={typeof city !== 'string' ? name : `${city}, ${name}`}>
      {code}
    </abbr>
  )
}
