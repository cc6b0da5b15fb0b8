/** A hunt: events that the server finds over its days, as they come. */

import { signal } from '@preact/signals'
import { SearchError, tokens } from '../search/lex'
import type { Field } from '../search/fields'
import { parseRange } from './address'
import { problemOf } from './api'
import { Lines } from './lines'

/** Most events that one hunt brings here; the newest. */
export const MAX_FOUND = 100_000

/** Fields that hunts know; the others are of threats, which are made of events. */
export const HUNT_FIELDS: readonly Field[] = ['src', 'dst', 'trail', 'info', 'sensor', 'type', 'sev', 'threat']

/** An event, as far as it is shown. */
export interface Found {
  readonly threat: string
  readonly time: string
  readonly sensor: string
  readonly sources: readonly string[]
  readonly destinations: readonly string[]
  readonly ports: readonly number[]
  readonly protocol: number | undefined
  readonly kind: string
  readonly indicator: string
  readonly info: string
  readonly reference: string
  readonly severity: 'low' | 'medium' | 'high'
  readonly count: number
  /** As the text log has it. */
  readonly line: string
}

export type HuntState =
  | { readonly state: 'running' }
  /** All of it was looked at. */
  | { readonly state: 'complete' }
  /** There may be more. */
  | { readonly state: 'partial'; readonly reason: string }
  | { readonly state: 'failed'; readonly reason: string }
  | { readonly state: 'cancelled' }

/** What is asked. Days are of the zone that the server shows; all without. */
export interface Wanted {
  readonly query: string
  readonly days: { readonly first: string; readonly last: string } | undefined
}

/** What is wrong with a hunt before it is sent, and where; undefined where nothing is. */
export function problemIn(query: string): SearchError | undefined {
  try {
    for (const { what, from, to } of tokens(query)) {
      const field = typeof what === 'string' ? undefined : what.field
      if (field !== undefined && !HUNT_FIELDS.includes(field)) {
        return new SearchError(from, to, `hunts look at single events, which have no \`${field}:\`; they know ${HUNT_FIELDS.map((name) => `${name}:`).join(' ')}`)
      }
    }
    return undefined
  } catch (error) {
    if (error instanceof SearchError) return error
    throw error
  }
}

/** The name, address or network that a hunt is about, where it is about one alone. */
export function observableOf(query: string): string | undefined {
  try {
    const [first, ...more] = tokens(query)
    if (first === undefined || more.length > 0 || typeof first.what === 'string' || first.what.quoted) return undefined
    const { field, value } = first.what
    if (field !== undefined && field !== 'trail' && field !== 'src' && field !== 'dst') return undefined
    const name = /^(\*\.)?([a-z0-9_-]+\.)+[a-z][a-z0-9-]*$/i.test(value)
    return name || (parseRange(value) !== undefined && !value.includes('-')) ? value : undefined
  } catch (error) {
    if (error instanceof SearchError) return undefined
    throw error
  }
}

interface Told {
  readonly event?: Record<string, unknown>
  readonly line?: string
  readonly progress?: { readonly done: number; readonly total: number }
  readonly done?: boolean
  readonly complete?: boolean
  readonly reason?: string
}

export class Hunt {
  readonly rows: Found[] = []
  readonly state = signal<HuntState>({ state: 'running' })
  /** Lines that were looked at, of all there are. */
  readonly progress = signal({ done: 0, total: 0 })
  /** Rises when events came, at most once a frame. */
  readonly came = signal(0)
  private readonly stop = new AbortController()
  private due = false

  constructor(wanted: Wanted) {
    void this.run(wanted)
  }

  cancel(): void {
    if (this.state.peek().state === 'running') this.state.value = { state: 'cancelled' }
    this.stop.abort()
  }

  private async run({ query, days }: Wanted): Promise<void> {
    const asked = new URLSearchParams({ q: query, limit: String(MAX_FOUND), ...(days === undefined ? {} : { from: days.first, to: days.last }) })
    try {
      const answer = await fetch(new URL(`api/v1/hunt?${asked.toString()}`, document.baseURI), { credentials: 'same-origin', signal: this.stop.signal })
      if (!answer.ok || answer.body === null) {
        const told = (await answer.json().catch(() => ({}))) as { detail?: string }
        this.end({ state: 'failed', reason: told.detail ?? answer.statusText })
        return
      }
      const lines = new Lines()
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { value, done } = await reader.read()
        if (done) break
        for (const line of lines.push(value)) this.take(JSON.parse(line) as Told)
        this.show()
      }
      // The last object tells whether that was all.
      this.end({ state: 'partial', reason: 'the answer broke off' })
    } catch (error) {
      this.end({ state: this.rows.length > 0 ? 'partial' : 'failed', reason: problemOf(error) })
    }
  }

  private take(told: Told): void {
    if (told.event !== undefined) this.rows.push(found(told.event, told.line ?? ''))
    else if (told.progress !== undefined) this.progress.value = told.progress
    else if (told.done === true) {
      const { total } = this.progress.peek()
      if (told.complete === true) this.progress.value = { done: total, total }
      this.end(told.complete === true ? { state: 'complete' } : { state: 'partial', reason: told.reason ?? 'the server does not say why' })
    }
  }

  private end(state: HuntState): void {
    if (this.state.peek().state !== 'running') return
    this.state.value = state
    this.show()
  }

  private show(): void {
    if (this.due) return
    this.due = true
    requestAnimationFrame(() => {
      this.due = false
      this.came.value++
    })
  }
}

function found(event: Record<string, unknown>, line: string): Found {
  const text = (key: string): string => (typeof event[key] === 'string' ? event[key] : '')
  const list = <T>(key: string): T[] => (Array.isArray(event[key]) ? (event[key] as T[]) : [])
  const severity = text('severity')
  return {
    threat: text('id'),
    time: text('time'),
    sensor: text('sensor'),
    sources: list('src'),
    destinations: list('dst'),
    ports: list('dst_ports'),
    protocol: typeof event.protocol === 'number' ? event.protocol : undefined,
    kind: text('kind'),
    indicator: text('indicator'),
    info: text('info'),
    reference: text('reference'),
    severity: severity === 'high' || severity === 'medium' ? severity : 'low',
    count: typeof event.count === 'number' ? event.count : 1,
    line,
  }
}
