/** The worker: keeps the table, answers what the page asks. All work on rows happens here. */

import type { Progress, Query, Summary } from '../model/threat'
import { parse, SearchError } from '../search/parse'
import { both } from '../search/scope'
import { Days } from './days'
import { Source } from './fetch'
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
/** Rows of a file that are written in one go. */
const EXPORT_ROWS = 2000

const TYPES: Readonly<Record<Format, string>> = { csv: 'text/csv;charset=utf-8', json: 'application/json', defanged: 'text/plain;charset=utf-8' }

class Desk {
  private readonly seed = crypto.getRandomValues(new Uint32Array(1))[0]!
  private threats = new Threats(this.seed)
  private triage = this.triageOf(this.threats)
  private view = new View(this.threats, this.triage)
  private readonly days: Days
  /** The query that is to be answered, and whether an answer is on its way. */
  private asked: { readonly id: number; readonly query: Query } | undefined
  private scheduled = false
  private answered = -Infinity

  constructor(
    base: URL,
    private readonly post: (answer: Answer) => void,
  ) {
    this.days = new Days(new Source(base), { begun: (threats) => this.begun(threats), progressed: (progress) => this.progressed(progress) }, this.seed)
  }

  take(request: Exclude<Request, { type: 'start' }>): void {
    switch (request.type) {
      case 'open':
        void this.days.open(request.days)
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
      case 'triage':
        this.triage.take(request.changed)
        this.schedule(0)
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

  private begun(threats: Threats): void {
    const known = this.triage.all()
    this.threats = threats
    this.triage = this.triageOf(threats)
    this.triage.take(known)
    this.view = new View(threats, this.triage)
    this.answered = -Infinity
  }

  private progressed(progress: Progress): void {
    this.post({ type: 'progress', progress })
    if (progress.state === 'failed' || (progress.state === 'loading' && progress.rows === 0)) return
    // The first rows at once, then now and then, at the end again.
    const due = this.answered + REFRESH - performance.now()
    if (progress.state === 'ready' || due <= 0) this.schedule(0)
  }

  /** Answers after what has come in: a query that others have overtaken is not worked on. */
  private schedule(delay: number): void {
    if (this.scheduled) return
    this.scheduled = true
    setTimeout(() => {
      this.scheduled = false
      this.answer()
    }, delay)
  }

  private answer(): void {
    if (this.asked === undefined) return
    const { id, query } = this.asked
    const summary = this.evaluate(id, query)
    if (summary === undefined) return
    this.answered = performance.now()
    this.post({ type: 'result', id, summary })
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
