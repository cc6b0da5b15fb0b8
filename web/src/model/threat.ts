/** A threat as it is shown, and what is asked of the worker and answered. Plain data: it is copied between threads. */

import type { Node } from '../search/parse'
import type { Kind, Status } from './vocabulary'

/** What people decided about a threat, as the server tells it. */
export interface Triage {
  readonly threat: string
  readonly status: Status
  readonly assignee: string
  readonly tags: readonly string[]
  readonly notes: number
  readonly version: number
  readonly changed: string
  readonly author: string
}

/** Values of a set, and how many more there are that are not told. */
export interface Told<T> {
  readonly values: readonly T[]
  readonly more: number
}

/** A row of the table. */
export interface Threat {
  readonly id: string
  readonly site: string
  readonly source: string
  readonly kind: Kind
  /** What was matched. */
  readonly indicator: string
  /** As it was seen: what did not match stands in parentheses. */
  readonly shown: string
  readonly info: string
  readonly family: string
  readonly reference: string
  readonly class: string
  /** 0 low, 1 medium, 2 high. */
  readonly severity: number
  readonly confidence: number
  /** 0 to 100. */
  readonly score: number
  /** Bits of REASONS. */
  readonly reasons: number
  /** Bits of DIRECTIONS. */
  readonly directions: number
  readonly protocol: number
  readonly count: number
  readonly lines: number
  /** Seconds, Unix time. */
  readonly first: number
  readonly last: number
  /** Events by hour slot of the open days, one number for each slot. */
  readonly activity: readonly number[]
  readonly destinations: Told<string>
  readonly ports: Told<number>
  readonly sensors: Told<string>
  readonly triage: Triage | undefined
}

/** Threats joined by something they have in common. */
export interface Group {
  /** Value to filter by: an address, a family, an indicator. */
  readonly key: string
  readonly threats: number
  readonly events: number
  /** The worst of them. */
  readonly severity: number
  readonly score: number
  readonly first: number
  readonly last: number
  /** Different sources among them. */
  readonly hosts: number
  /** The threat of them that ranks first. */
  readonly worst: Threat
}

export const SORTS = ['rank', 'score', 'severity', 'count', 'first', 'last', 'source', 'indicator', 'family', 'kind', 'hosts', 'threats'] as const
export type SortKey = (typeof SORTS)[number]

export interface Sort {
  readonly by: SortKey
  readonly descending: boolean
}

export const GROUPINGS = ['none', 'host', 'family', 'trail'] as const
export type Grouping = (typeof GROUPINGS)[number]

/** What is to be shown of the open days. */
export interface Query {
  /** In the search language. */
  readonly search: string
  /** Part of the days, seconds: threats with events in hours that it touches. */
  readonly range: { readonly from: number; readonly to: number } | undefined
  readonly sort: Sort
  readonly group: Grouping
  /** What only knocks from outside: folded away and counted, shown among the rest, or one class of it alone. */
  readonly noise: 'folded' | 'shown' | NoiseClass
  /** What the page is about: nothing else is shown, whatever is searched for. */
  readonly within?: Node
}

/** What knocks from outside at every address there is: of no weight unless somebody answers. */
export const NOISE = ['scanner', 'attacker', 'reputation', 'anonymizer', 'scan', 'other'] as const
export type NoiseClass = (typeof NOISE)[number]

/** One class of noise that a query finds. */
export interface Noise {
  readonly class: NoiseClass
  readonly threats: number
  readonly events: number
  readonly hosts: number
  /** Seconds. */
  readonly last: number
}

/** Threats that have something in common with one: the first ones by rank, and how many there are. */
export interface Alike {
  readonly threats: readonly Threat[]
  readonly all: number
}

export interface Related {
  readonly host: Alike
  readonly indicator: Alike
  readonly family: Alike
}

/** Events of an hour by severity. */
export interface Bin {
  /** First second. */
  readonly at: number
  readonly low: number
  readonly medium: number
  readonly high: number
}

/** What a query comes to. */
export interface Summary {
  /** Rows of the table: threats, or groups. */
  readonly rows: number
  readonly threats: number
  readonly events: number
  /** Different sources. */
  readonly hosts: number
  /** Sources with threats of high severity that go out or stay inside. */
  readonly atRisk: number
  /** Threats of low, medium, high severity. */
  readonly severity: readonly [number, number, number]
  /** Threats by direction; some have several. */
  readonly directions: { readonly outbound: number; readonly inbound: number; readonly lateral: number; readonly transit: number }
  /** Threats by kind, in the order of KINDS. */
  readonly kinds: readonly number[]
  /** Threats by status. */
  readonly statuses: Readonly<Record<Status, number>>
  /** Threats that began after `freshSince`: the last open day, of several; otherwise the hour before the last event. */
  readonly fresh: number
  readonly freshSince: number
  /** Noise that the query finds, shown or folded. */
  readonly noise: readonly Noise[]
  /** Whether it is left out of everything else that is told here. */
  readonly folded: boolean
  /** Matching events of every hour of the open days, also outside of the range. */
  readonly bins: readonly Bin[]
  /** Milliseconds it took. */
  readonly took: number
}

/** What a search would find of the open days, of how many threats; or what is wrong with it, and where. */
export type Tried =
  | { readonly threats: number; readonly events: number; readonly hosts: number; readonly high: number; readonly of: number }
  | { readonly message: string; readonly from: number; readonly to: number }

/** An address of the Internet, with the threats that it takes part in. */
export interface Place {
  readonly address: string
  readonly threats: number
  readonly events: number
}

/** Addresses of what a query finds, of `distinct` those with the most threats; `threats` have any. */
export interface Places {
  readonly places: readonly Place[]
  readonly distinct: number
  readonly threats: number
}

/** Whether what arrives is shown: `lost` is tried again by itself. */
export type LiveState = 'off' | 'on' | 'lost'

/** How far the days are there. */
export interface Progress {
  /** `loading`: rows come in; `ready`: all there; `failed`: `problem` says why. */
  readonly state: 'idle' | 'loading' | 'ready' | 'failed'
  readonly days: readonly string[]
  readonly rows: number
  /** Rows there will be. */
  readonly allRows: number
  /** Events and lines of the days as the server counts them. */
  readonly events: number
  readonly lines: number
  /** Threats that are missing for want of room here or on the server. */
  readonly cut: boolean
  /** First second and one past the last of the days. */
  readonly from: number
  readonly to: number
  readonly problem: string | undefined
}
