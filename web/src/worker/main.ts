/** The worker: keeps the table, answers what the page asks. All work on rows happens here. */

import type { Progress, Query, Summary, Triage, Tried } from '../model/threat'
import { parse, SearchError } from '../search/parse'
import { both } from '../search/scope'
import { arrive, type Change } from './arriving'
import { Days, type Listener } from './days'
import { Decisions } from './decisions'
import { Source } from './fetch'
import { Live } from './live'
import { MAX_IDS, MAX_PAGE, type Answer, type Format, type Request } from './messages'
import { Ids } from './table/ids'
import { Threats } from './table/threats'
import { writing } from './query/export'
import { TriageRows } from './table/triage'
import { places } from './query/places'
import { values } from './query/values'
import { View } from './query/view'

/** Milliseconds between two answers to the same query while rows come in. */
const REFRESH = 300
/** Milliseconds between two answers because of what arrives, or a few times what an answer takes. */
const ARRIVING = 200
const ARRIVING_SHARE = 4
/** Milliseconds between two tellings that there are events of other days. */
const ELSEWHERE = 5_000
/** Ids that are worked out in one go. */
const IDS_AHEAD = 20_000
/** Rows of a file that are written in one go. */
const EXPORT_ROWS = 2000

const TYPES: Readonly<Record<Format, string>> = { csv: 'text/csv;charset=utf-8', json: 'application/json', defanged: 'text/plain;charset=utf-8' }

class Desk implements Listener {
  private readonly seed = crypto.getRandomValues(new Uint32Array(1))[0]!
  private threats = new Threats(this.seed)
  private triage = this.triageOf(this.threats)
  private view = new View(this.threats, this.triage)
  private readonly days: Days
  private readonly live: Live
  private readonly decisions: Decisions
  private opened: readonly string[] = []
  private progress: Progress | undefined
  /** When events of other days were told of last. */
  private elsewhere = -Infinity
  /** The query that is to be answered, and whether an answer is on its way. */
  private asked: { readonly id: number; readonly query: Query } | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private due = Infinity
  private answered = -Infinity
  /** Milliseconds the last answer took. */
  private took = 0

  constructor(
    base: URL,
    private readonly post: (answer: Answer) => void,
  ) {
    const source = new Source(base)
    this.days = new Days(source, this, this.seed)
    this.live = new Live(base, {
      state: (state) => this.post({ type: 'live', state }),
      delta: (changes) => this.arrived(changes),
      reset: () => void this.days.open(this.opened),
      day: () => this.post({ type: 'days' }),
    })
    this.decisions = new Decisions(source, (changed) => this.decided(changed.filter((each) => this.isNew(each))), () => this.denied())
  }

  take(request: Exclude<Request, { type: 'start' }>): void {
    switch (request.type) {
      case 'open':
        this.opened = request.days
        void this.days.open(request.days)
        this.decisions.follow()
        break
      case 'query':
        this.asked = request
        this.schedule(0)
        break
      case 'page': {
        const to = Math.min(request.to, request.from + MAX_PAGE)
        this.post({ type: 'page', id: request.id, from: request.from, rows: this.view.page(request.from, to) })
        break
      }
      case 'threat': {
        const row = this.rowOf(request.threat)
        this.post({ type: 'threat', id: request.id, threat: row === undefined ? undefined : this.view.threat(row) })
        break
      }
      case 'ids': {
        const to = Math.min(request.to, request.from + MAX_IDS)
        this.post({ type: 'ids', id: request.id, ids: this.view.idsOf(request.from, to) })
        break
      }
      case 'related': {
        const row = this.rowOf(request.threat)
        this.post({ type: 'related', id: request.id, related: row === undefined ? undefined : this.view.related(row) })
        break
      }
      case 'decided':
        this.post({ type: 'decided', id: request.id, decided: request.threats.flatMap((id) => this.triage.get(id) ?? []) })
        break
      case 'export':
        void this.write(request.id, request.format)
        break
      case 'values':
        this.post({ type: 'values', id: request.id, values: values(this.threats, this.triage, request.field, request.text) })
        break
      case 'places':
        this.post({ type: 'places', id: request.id, places: places(this.threats, this.view.found()) })
        break
      case 'try':
        this.post({ type: 'try', id: request.id, tried: this.tried(request.search) })
        break
      case 'triage':
        this.decided(request.changed)
        break
    }
  }

  private rowOf(threat: string): number | undefined {
    return this.triage.ids.rowsOf([threat]).get(threat)
  }

  /** Writes what is shown in pieces, with turns for other questions between. */
  private async write(id: number, format: Format): Promise<void> {
    const { view } = this
    const { generation } = this.threats
    const rows = view.found()
    const { head, row, between, tail } = writing(format)
    const parts: string[] = [head]
    for (let from = 0; from < rows.length; from += EXPORT_ROWS) {
      if (view !== this.view || this.threats.generation !== generation) {
        this.post({ type: 'export', id, file: undefined })
        return
      }
      const piece = Array.from(rows.subarray(from, from + EXPORT_ROWS), (number) => row(view.threat(number)))
      parts.push((from > 0 ? between : '') + piece.join(between))
      await new Promise((resolve) => setTimeout(resolve))
    }
    parts.push(tail)
    this.post({ type: 'export', id, file: new Blob(parts, { type: TYPES[format] }) })
  }

  private triageOf(threats: Threats): TriageRows {
    return new TriageRows(new Ids(threats), () => threats.generation)
  }

  /** Takes what arrives; rows are shown again soon, not for every event. */
  private arrived(changes: readonly Change[]): void {
    const here = changes.filter((change) => arrive(this.threats, change))
    if (here.length < changes.length && performance.now() - this.elsewhere > ELSEWHERE) {
      this.elsewhere = performance.now()
      this.post({ type: 'days' })
    }
    if (here.length === 0 || this.progress === undefined) return
    const events = here.reduce((sum, { event }) => sum + event.count, this.progress.events)
    const { rows } = this.threats
    this.progress = { ...this.progress, events, lines: this.progress.lines + here.length, rows, allRows: rows }
    this.post({ type: 'progress', progress: this.progress })
    this.schedule(Math.max(0, this.answered + Math.max(ARRIVING, ARRIVING_SHARE * this.took) - performance.now()))
  }

  private decided(changed: readonly Triage[]): void {
    if (this.triage.take(changed)) this.schedule(0)
  }

  /** Whether what was read is newer than what is shown: what the page has just changed may be on its way. */
  private isNew(triage: Triage): boolean {
    return (this.triage.get(triage.threat)?.version ?? -1) < triage.version
  }

  /** The session has ended. */
  denied(): void {
    this.live.stop()
    this.decisions.stop()
    this.post({ type: 'denied' })
  }

  /** All days are there. */
  ready(cursor: number): void {
    this.live.start(cursor)
    void this.workAhead(this.triage)
  }

  /** Works out ids while nothing is asked, so that what is asked by id is answered at once. */
  private async workAhead({ ids }: TriageRows): Promise<void> {
    while (this.triage.ids === ids && ids.ahead(IDS_AHEAD)) await new Promise((resolve) => setTimeout(resolve))
  }

  begun(threats: Threats): void {
    this.live.stop()
    const known = this.triage.all()
    this.threats = threats
    this.triage = this.triageOf(threats)
    this.triage.take(known)
    this.view = new View(threats, this.triage)
    this.answered = -Infinity
  }

  progressed(progress: Progress): void {
    this.progress = progress
    this.post({ type: 'progress', progress })
    if (progress.state === 'failed' || (progress.state === 'loading' && progress.rows === 0)) return
    // The first rows at once, then now and then, at the end again.
    const due = this.answered + REFRESH - performance.now()
    if (progress.state === 'ready' || due <= 0) this.schedule(0)
  }

  /** Answers after what has come in: a query that others have overtaken is not worked on. */
  private schedule(delay: number): void {
    const due = performance.now() + delay
    if (this.due <= due) return
    clearTimeout(this.timer)
    this.due = due
    this.timer = setTimeout(() => {
      this.due = Infinity
      this.answer()
    }, delay)
  }

  private answer(): void {
    if (this.asked === undefined) return
    const { id, query } = this.asked
    const summary = this.evaluate(id, query)
    if (summary === undefined) return
    this.answered = performance.now()
    this.took = summary.took
    this.post({ type: 'result', id, summary })
  }

  private tried(search: string): Tried {
    try {
      return this.view.tried(parse(search))
    } catch (error) {
      if (!(error instanceof SearchError)) throw error
      const { message, from, to } = error
      return { message, from, to }
    }
  }

  private evaluate(id: number, query: Query): Summary | undefined {
    try {
      return this.view.answer(query, both(query.within, parse(query.search)), () => performance.now())
    } catch (error) {
      if (!(error instanceof SearchError)) throw error
      this.post({ type: 'wrong', id, problem: error.message, from: error.from, to: error.to })
      return undefined
    }
  }
}

let desk: Desk | undefined
self.addEventListener('message', ({ data }: MessageEvent<Request>) => {
  if (data.type === 'start') desk = new Desk(new URL(data.base), (answer) => self.postMessage(answer))
  else desk?.take(data)
})
