/** Opens days: fetches their chunks in order of rank and adds them to a table, while what is there can be asked. */

import type { Progress } from '../model/threat'
import type { Chunk } from './chunk/read'
import { FetchError, type Manifest, type Source } from './fetch'
import { Threats } from './table/threats'

/** Chunks that are fetched ahead of the one that is being added. */
const AHEAD = 3
/** How often manifests are fetched again because a chunk has gone in the meantime. */
const ATTEMPTS = 3

/** A chunk to fetch. */
interface Wanted {
  readonly day: string
  readonly name: string
  /** The part of the day it belongs to: threats of one part are all different. */
  readonly part: string
  /** Its place in the part. */
  readonly place: number
}

/** What is told while days come in. */
export interface Listener {
  /** A new table: what was told of the one before is void. */
  begun(threats: Threats): void
  progressed(progress: Progress): void
  /** All is there; a live stream goes on from this cursor. */
  ready(cursor: number): void
  /** The session has ended. */
  denied(): void
}

export class Days {
  private abort = new AbortController()

  constructor(
    private readonly source: Source,
    private readonly listener: Listener,
    private readonly seed: number,
  ) {}

  /** Opens days and lets go of those before. */
  async open(days: readonly string[]): Promise<void> {
    this.abort.abort()
    this.abort = new AbortController()
    const { signal } = this.abort
    for (let attempt = 1; ; attempt++) {
      try {
        await this.load(days, signal)
        return
      } catch (error) {
        if (signal.aborted) return
        const status = error instanceof FetchError ? error.status : 0
        if (status === 404 && attempt < ATTEMPTS) continue
        if (status === 401) this.listener.denied()
        const problem = error instanceof Error ? error.message : String(error)
        this.listener.progressed({ ...EMPTY, state: 'failed', days, problem })
        return
      }
    }
  }

  private async load(days: readonly string[], signal: AbortSignal): Promise<void> {
    this.listener.progressed({ ...EMPTY, state: 'loading', days })
    const manifests = (await Promise.all(days.map((day) => this.source.manifest(day, signal)))).filter((found) => found !== undefined)
    signal.throwIfAborted()
    const all = expected(days, manifests)
    const threats = new Threats(this.seed, Math.max(1024, all.allRows))
    // Slots stand in the order of days, whichever chunk comes first.
    for (const manifest of manifests) threats.day(seconds(manifest.start), hours(manifest))
    this.listener.begun(threats)
    const wanted = inOrder(manifests)
    const pending = new Map<number, Promise<Chunk>>()
    let asked = 0
    const fetchNext = (): void => {
      const next = wanted[asked]
      if (next === undefined) return
      const chunk = this.source.chunk(next.day, next.name, signal)
      // It is awaited below in its turn; until then its failure is no unhandled one.
      chunk.catch(() => undefined)
      pending.set(asked++, chunk)
    }
    for (let ahead = 0; ahead < AHEAD; ahead++) fetchNext()
    const parts = new Set<string>()
    let cut = false
    for (const [at, { part }] of wanted.entries()) {
      const chunk = await pending.get(at)!
      pending.delete(at)
      fetchNext()
      signal.throwIfAborted()
      parts.add(part)
      threats.append(chunk, parts.size === 1)
      cut ||= chunk.cut || threats.refused > 0
      const state = at + 1 === wanted.length ? 'ready' : 'loading'
      this.listener.progressed({ ...all, state, rows: threats.rows, cut })
      await turn()
    }
    if (wanted.length === 0) this.listener.progressed({ ...all, state: 'ready' })
    // Of the last day: that is where something arrives.
    const cursor = manifests.at(-1)?.cursor
    if (cursor !== undefined) this.listener.ready(cursor)
  }
}

const EMPTY: Progress = {
  state: 'idle',
  days: [],
  rows: 0,
  allRows: 0,
  events: 0,
  lines: 0,
  cut: false,
  from: 0,
  to: 0,
  problem: undefined,
}

/** Lets messages in that came meanwhile. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve))
}

const seconds = (instant: string): number => Math.floor(Date.parse(instant) / 1000)
const hours = (manifest: Manifest): number => Math.ceil((seconds(manifest.end) - seconds(manifest.start)) / 3600)

function expected(days: readonly string[], manifests: readonly Manifest[]): Progress {
  const sum = (of: (manifest: Manifest) => number): number => manifests.reduce((all, manifest) => all + of(manifest), 0)
  return {
    ...EMPTY,
    days,
    allRows: sum((manifest) => manifest.rows),
    events: sum((manifest) => manifest.events),
    lines: sum((manifest) => manifest.lines),
    from: Math.min(...manifests.map((manifest) => seconds(manifest.start))),
    to: Math.max(...manifests.map((manifest) => seconds(manifest.end))),
  }
}

/** The first chunks of all parts, then the second ones: what matters most comes first, of every day. */
export function inOrder(manifests: readonly Manifest[]): Wanted[] {
  const wanted = manifests.flatMap(({ day, chunks }) =>
    chunks.map(({ name }) => {
      const dash = name.lastIndexOf('-')
      return { day, name, part: `${day}/${name.slice(0, dash)}`, place: Number(name.slice(dash + 1)) }
    }),
  )
  return wanted.sort((a, b) => a.place - b.place)
}
