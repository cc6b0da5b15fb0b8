/** State of the page as small atoms. What is shown follows from them; only functions here change them. */

import { computed, effect, signal } from '@preact/signals'
import type { Node } from '../search/parse'
import { scopeOf } from '../search/scope'
import { Client } from '../worker/client'
import { get, problemOf } from './api'
import { readRoute, writeRoute, type Route } from './route'
import { readRules, unhidden } from './rules'
import { restore, session } from './session'
import type { LiveState, Progress, Query, Summary } from './threat'

/** A day with events. */
export interface DayCount {
  readonly day: string
  readonly events: number
  readonly lines: number
  readonly sealed: boolean
}

/** Days with events, oldest first, in the zone that the server shows. */
export interface Days {
  readonly today: string
  readonly zone: string
  readonly days: readonly DayCount[]
}

/** What is shown, as the address bar has it. */
export const route = signal<Route>(readRoute(location.hash))
/** Days there are; undefined until they are known. */
export const days = signal<Days | undefined>(undefined)
/** How far the open days are there. */
export const progress = signal<Progress | undefined>(undefined)
/** Whether what arrives is shown. */
export const live = signal<LiveState>('off')
/** What the query comes to, and a number that rises whenever rows may have changed. */
export const result = signal<{ readonly summary: Summary; readonly number: number } | undefined>(undefined)
/** What is wrong with the search: characters from..to of it. */
export const wrong = signal<{ readonly message: string; readonly from: number; readonly to: number } | undefined>(undefined)
/** What went wrong otherwise. */
export const problem = signal<string | undefined>(undefined)

/** The days that the route means, of those that have events. */
export const openDays = computed<readonly string[]>(() => {
  const known = days.value
  if (known === undefined) return []
  const span = route.value.days
  const latest = known.days.at(-1)?.day
  if (span === undefined) return latest === undefined ? [] : [latest]
  return known.days.map(({ day }) => day).filter((day) => span.first <= day && day <= span.last)
})

/** The worker, once somebody is logged in. */
let client: Client | undefined

/** Asks the worker. */
export function worker(): Client {
  client ??= new Client(
    new Worker(new URL('../worker/main.ts', import.meta.url), { type: 'module' }),
    {
      progress: (told) => (progress.value = told),
      result: (summary) => {
        result.value = { summary, number: (result.peek()?.number ?? 0) + 1 }
        wrong.value = undefined
      },
      wrong: (told) => (wrong.value = told),
      live: (state) => (live.value = state),
      days: () => void readDays(),
      denied: () => void restore(),
      failed: (message) => (problem.value = message),
    },
    document.baseURI,
  )
  return client
}

/** Shows something else. `replace`: without a step for the back button, for what changes while it is typed. */
export function go(change: Partial<Route>, replace = false): void {
  const next = { ...route.peek(), ...change }
  const address = writeRoute(next)
  if (address === writeRoute(route.peek())) return
  if (replace) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
  route.value = next
}

/** Changes the query alone. */
export function ask(change: Partial<Query>, replace = false): void {
  go({ query: { ...route.peek().query, ...change } }, replace)
}

/** The query of a page. Where it is about something, all of that is shown; elsewhere rules hide what they find. */
function asked(query: Query, scope: Node | null, unhidden: Node | undefined): Query {
  if (scope !== null) return { ...query, noise: 'shown', within: scope }
  return unhidden === undefined ? query : { ...query, within: unhidden }
}

/** Reads what days there are. */
export async function readDays(): Promise<void> {
  try {
    days.value = await get<Days>('api/v1/days')
    problem.value = undefined
  } catch (error) {
    problem.value = problemOf(error)
  }
}

/** Keeps address bar, state and worker together. Called once. */
export function begin(): void {
  const read = (): void => {
    route.value = readRoute(location.hash)
  }
  addEventListener('popstate', read)
  addEventListener('hashchange', read)
  const ready = computed(() => session.value.state === 'known' && !session.value.account.must_change)
  effect(() => {
    if (!ready.value) return
    void readDays()
    readRules().catch((error: unknown) => (problem.value = problemOf(error)))
  })
  effect(() => {
    document.documentElement.dataset.live = live.value
  })
  const opened = computed(() => openDays.value.join())
  effect(() => {
    if (ready.value && opened.value !== '') worker().open(opened.value.split(','))
  })
  const about = computed(() => JSON.stringify([route.value.query, scopeOf(route.value) ?? null]))
  effect(() => {
    const [query, scope] = JSON.parse(about.value) as [Query, Node | null]
    if (ready.value) worker().show(asked(query, scope, unhidden.value))
  })
}
