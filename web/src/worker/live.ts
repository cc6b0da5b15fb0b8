/** The live stream: events of today as they arrive, resumed where it broke off. */

import type { LiveState } from '../model/threat'
import type { Change } from './arriving'

/** Milliseconds before a stream that was refused is asked for again. */
const RETRY = 5_000

export interface Listener {
  state(state: LiveState): void
  delta(changes: readonly Change[]): void
  /** What came meanwhile is not known any more: everything is to be fetched again. */
  reset(): void
  /** Another day has begun. */
  day(): void
}

export class Live {
  private source: EventSource | undefined
  private retry: ReturnType<typeof setTimeout> | undefined
  private cursor = ''

  constructor(
    private readonly base: URL,
    private readonly listener: Listener,
  ) {}

  /** Follows from a manifest's cursor on. */
  start(cursor: number): void {
    this.cursor = String(cursor)
    this.open()
  }

  stop(): void {
    clearTimeout(this.retry)
    this.source?.close()
    this.source = undefined
    this.listener.state('off')
  }

  private open(): void {
    clearTimeout(this.retry)
    this.source?.close()
    const address = new URL('api/v1/live', this.base)
    address.searchParams.set('cursor', this.cursor)
    const source = new EventSource(address)
    this.source = source
    const on = (type: string, take: (data: string) => void): void =>
      source.addEventListener(type, (message: MessageEvent<string>) => {
        // One that was closed may still have something on its way.
        if (this.source !== source) return
        if (message.lastEventId !== '') this.cursor = message.lastEventId
        take(message.data)
      })
    on('hello', () => this.listener.state('on'))
    on('delta', (data) => this.listener.delta((JSON.parse(data) as { events: Change[] }).events))
    on('reset', () => this.listener.reset())
    on('day', () => this.listener.day())
    source.addEventListener('error', () => {
      if (this.source !== source) return
      this.listener.state('lost')
      // A connection that broke is opened again by the browser; one that was refused is not.
      if (source.readyState === EventSource.CLOSED) this.retry = setTimeout(() => this.open(), RETRY)
    })
  }
}
