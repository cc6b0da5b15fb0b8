/** What the server tells of a host, a family or a trail over all its days. */

export interface Known {
  readonly address: string
  readonly range: string
  readonly own: boolean
  readonly alias: string | null
  readonly country: string | null
  readonly city: string | null
  readonly asn: number | null
  readonly organization: string | null
  readonly resolver: string | null
}

export interface Counted {
  readonly value: string
  readonly events: number
  readonly known?: Known
}

/** Values with the most events; at least `distinct` of them where `capped`. */
export interface Top {
  readonly values: readonly Counted[]
  readonly distinct: number
  readonly capped: boolean
}

export interface Source {
  readonly reference: string
  readonly info: string
  readonly link: string | null
}

export interface Listing {
  readonly trail: string
  readonly info: string
  readonly reference: string
  readonly confidence: number
  readonly kind: string
  readonly class: string
  readonly severity: string
  readonly sources: readonly Source[]
}

export interface Seen {
  readonly first: string
  readonly last: string
  readonly count: number
}

export interface Pair extends Seen {
  readonly name: string
  readonly address: string
  readonly hosts: number
}

export interface Observed {
  readonly seen: Seen | null
  readonly hosts: readonly (Seen & { readonly host: string | null })[]
  readonly more_hosts: boolean
  readonly pairs: readonly Pair[]
  readonly more_pairs: boolean
}

export interface Subject {
  readonly name: string
  readonly events: number
  readonly lines: number
  readonly first: string | null
  readonly last: string | null
  readonly severity: 'low' | 'medium' | 'high' | null
  readonly days: readonly { readonly day: string; readonly events: number }[]
  readonly sources: Top
  readonly destinations: Top
  readonly ports: Top
  readonly indicators: Top
  readonly infos: Top
  readonly references: Top
  readonly kinds: Top
  readonly sensors: Top
  readonly threats: Top
  readonly known: Known | null
  readonly listed: readonly Listing[]
  readonly observed: Observed | null
}

/** `asyncrat` of `AsyncRAT (malware)`: what the server joins infos to a family by. */
export function familyOf(info: string): string {
  return (info.split(' (', 1)[0] ?? '').trim().toLowerCase()
}
