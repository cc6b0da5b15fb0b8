/** The worker: keeps the table, answers what the page asks. All work on rows happens here. */

import type { Progress, Query, Summary } from '../model/threat'
import { parse, SearchError } from '../search/parse'
import { Days } from './days'
import { Source } from './fetch'
import { MAX_IDS, MAX_PAGE, type Answer, type Request } from './messages'
import { Ids } from './table/ids'
import { Threats } from './table/threats'
import { TriageRows } from './table/triage'
import { values } from './query/values'
import { View } from './query/view'

/** Milliseconds between two answers to the same query while rows come in. */
const REFRESH = 300

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
        const row = this.triage.ids.rowsOf([request.threat]).get(request.threat)
        this.post({ type: 'threat', id: request.id, threat: row === undefined ? undefined : this.view.threat(row) })
        break
      }
      case 'ids': {
        const to = Math.min(request.to, request.from + MAX_IDS)
        this.post({ type: 'ids', id: request.id, ids: this.view.idsOf(request.from, to) })
        break
      }
      case 'values':
        this.post({ type: 'values', id: request.id, values: values(this.threats, this.triage, request.field, request.text) })
        break
      case 'triage':
        this.triage.take(request.changed)
        this.schedule(0)
        break
    }
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
      return this.view.answer(query, parse(query.search), () => performance.now())
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
