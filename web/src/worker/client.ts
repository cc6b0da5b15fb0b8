/** The page's end of the worker: sends what is asked, matches answers to questions. */

import type { Group, LiveState, Places, Progress, Query, Related, Summary, Threat, Triage, Tried } from '../model/threat'
import type { Answer, Format, Request, ValueField } from './messages'

/** What the worker tells by itself. */
export interface Told {
  progress(progress: Progress): void
  /** The last query was answered, or answered again because rows came or changed. */
  result(summary: Summary): void
  /** The search of the last query cannot be read. */
  wrong(problem: { readonly message: string; readonly from: number; readonly to: number }): void
  /** Whether what arrives is shown. */
  live(state: LiveState): void
  /** Days that the server has may have changed. */
  days(): void
  /** The session has ended. */
  denied(): void
  /** The worker is broken. */
  failed(message: string): void
}

type Reply = Extract<Answer, { type: 'page' | 'threat' | 'ids' | 'related' | 'decided' | 'export' | 'values' | 'places' | 'try' }>

export class Client {
  private next = 1
  private query = 0
  private readonly waiting = new Map<number, (answer: Reply) => void>()

  constructor(
    private readonly worker: Worker,
    private readonly told: Told,
    base: string,
  ) {
    worker.addEventListener('message', (message: MessageEvent<Answer>) => this.take(message.data))
    worker.addEventListener('error', (event: ErrorEvent) => told.failed(event.message))
    this.send({ type: 'start', base })
  }

  open(days: readonly string[]): void {
    this.send({ type: 'open', days })
  }

  /** What is to be shown from now on. Its answer comes as `result` or `wrong`, as often as rows change. */
  show(query: Query): void {
    this.query = this.next++
    this.send({ type: 'query', id: this.query, query })
  }

  /** Rows from..to of what is shown: threats, or groups where these are asked for. */
  async page(from: number, to: number): Promise<readonly Threat[] | readonly Group[]> {
    return (await this.ask('page', (id) => ({ type: 'page', id, from, to }))).rows
  }

  async threat(threat: string): Promise<Threat | undefined> {
    return (await this.ask('threat', (id) => ({ type: 'threat', id, threat }))).threat
  }

  /** Ids of the threats from..to of what is shown. */
  async ids(from: number, to: number): Promise<readonly string[]> {
    return (await this.ask('ids', (id) => ({ type: 'ids', id, from, to }))).ids
  }

  async related(threat: string): Promise<Related | undefined> {
    return (await this.ask('related', (id) => ({ type: 'related', id, threat }))).related
  }

  /** What is decided about threats; those nobody decided about are left out. */
  async decided(threats: readonly string[]): Promise<readonly Triage[]> {
    return (await this.ask('decided', (id) => ({ type: 'decided', id, threats }))).decided
  }

  /** Everything that is shown, as a file; undefined where rows changed meanwhile. */
  async export(format: Format): Promise<Blob | undefined> {
    return (await this.ask('export', (id) => ({ type: 'export', id, format }))).file
  }

  async values(field: ValueField, text: string): Promise<readonly { readonly value: string; readonly threats: number }[]> {
    return (await this.ask('values', (id) => ({ type: 'values', id, field, text }))).values
  }

  /** Addresses of what is shown, to be placed on a map. */
  async places(): Promise<Places> {
    return (await this.ask('places', (id) => ({ type: 'places', id }))).places
  }

  /** What a search would find, without showing it. */
  async tried(search: string): Promise<Tried> {
    return (await this.ask('try', (id) => ({ type: 'try', id, search }))).tried
  }

  /** Tells of triage that was read or changed. */
  triaged(changed: readonly Triage[]): void {
    this.send({ type: 'triage', changed })
  }

  private send(request: Request): void {
    this.worker.postMessage(request)
  }

  private ask<T extends Reply['type']>(type: T, request: (id: number) => Request): Promise<Extract<Reply, { type: T }>> {
    const id = this.next++
    return new Promise((resolve, reject) => {
      this.waiting.set(id, (answer) => {
        if (answer.type === type) resolve(answer as Extract<Reply, { type: T }>)
        else reject(new Error(`asked for ${type}, got ${answer.type}`))
      })
      this.send(request(id))
    })
  }

  private take(answer: Answer): void {
    switch (answer.type) {
      case 'progress':
        this.told.progress(answer.progress)
        break
      case 'live':
        this.told.live(answer.state)
        break
      case 'days':
        this.told.days()
        break
      case 'denied':
        this.told.denied()
        break
      // Answers to queries that are not shown any more are passed over.
      case 'result':
        if (answer.id === this.query) this.told.result(answer.summary)
        break
      case 'wrong':
        if (answer.id === this.query) this.told.wrong({ message: answer.problem, from: answer.from, to: answer.to })
        break
      default:
        this.waiting.get(answer.id)?.(answer)
        this.waiting.delete(answer.id)
    }
  }
}
