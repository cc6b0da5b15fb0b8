/**
 * What is shown, as it stands in the address bar: `#/threats?days=2026-11-20&q=sev:high&sort=-count`. Everything that
 * a link should bring back is here, and nothing else. What cannot be read is left out.
 */

import { GROUPINGS, NOISE, SORTS, type Grouping, type Query, type Sort } from './threat'

export const PAGES = ['threats', 'host', 'family', 'trail', 'hunt', 'map', 'health', 'rules', 'accounts', 'audit', 'account'] as const
export type PageName = (typeof PAGES)[number]

export interface Route {
  readonly page: PageName
  /** What a host, family or trail page is about. */
  readonly subject: string
  /** Days that are open: the first and last of a span; empty: the latest with events. */
  readonly days: { readonly first: string; readonly last: string } | undefined
  readonly query: Query
  /** Id of the threat whose detail is open. */
  readonly threat: string | undefined
}

export const BY_RANK: Sort = { by: 'rank', descending: false }

export const START: Route = {
  page: 'threats',
  subject: '',
  days: undefined,
  query: { search: '', range: undefined, sort: BY_RANK, group: 'none', noise: 'folded' },
  threat: undefined,
}

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** Reads the part of an address behind `#`. */
export function readRoute(hash: string): Route {
  const text = hash.replace(/^#?\/?/, '')
  const at = text.indexOf('?')
  const [path, asked] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
  const [name = '', subject = ''] = path.split('/', 2)
  const params = new URLSearchParams(asked)
  const threat = params.get('threat') ?? ''
  return {
    page: PAGES.find((page) => page === name) ?? 'threats',
    subject: decoded(subject),
    days: readDays(params.get('days')),
    query: {
      search: params.get('q') ?? '',
      range: readRange(params.get('range')),
      sort: readSort(params.get('sort')),
      group: readGroup(params.get('group')),
      noise: readNoise(params.get('noise')),
    },
    threat: /^[0-9a-f]{16}$/.test(threat) ? threat : undefined,
  }
}

/** Writes it. What is as it is without saying is not said. */
export function writeRoute(route: Route): string {
  const { page, subject, days, query, threat } = route
  const params = new URLSearchParams()
  if (days !== undefined) params.set('days', days.first === days.last ? days.first : `${days.first}_${days.last}`)
  if (query.search !== '') params.set('q', query.search)
  if (query.range !== undefined) params.set('range', `${query.range.from}-${query.range.to}`)
  if (query.sort.by !== 'rank' || query.sort.descending) params.set('sort', (query.sort.descending ? '-' : '') + query.sort.by)
  if (query.group !== 'none') params.set('group', query.group)
  if (query.noise !== 'folded') params.set('noise', query.noise)
  if (threat !== undefined) params.set('threat', threat)
  const asked = params.toString()
  const path = subject === '' ? page : `${page}/${encodeURIComponent(subject)}`
  return `#/${path}${asked === '' ? '' : `?${asked}`}`
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

function readDays(text: string | null): Route['days'] {
  const [first = '', last = first] = (text ?? '').split('_')
  return DAY.test(first) && DAY.test(last) && first <= last ? { first, last } : undefined
}

function readRange(text: string | null): Query['range'] {
  const found = /^(\d{1,12})-(\d{1,12})$/.exec(text ?? '')
  const [from, to] = [Number(found?.[1]), Number(found?.[2])]
  return from < to ? { from, to } : undefined
}

function readSort(text: string | null): Sort {
  const descending = text?.startsWith('-') ?? false
  const name = descending ? text?.slice(1) : text
  const by = SORTS.find((sort) => sort === name)
  return by === undefined ? BY_RANK : { by, descending }
}

function readGroup(text: string | null): Grouping {
  return GROUPINGS.find((group) => group === text) ?? 'none'
}

function readNoise(text: string | null): Query['noise'] {
  return (['shown', ...NOISE] as const).find((noise) => noise === text) ?? 'folded'
}
