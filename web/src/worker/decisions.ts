/** What people decide, read again and again: changes of others appear by themselves. */

import type { Triage } from '../model/threat'
import { FetchError, type Source } from './fetch'

/** Milliseconds between two looks. */
const EVERY = 4_000
/** Milliseconds by which a look overlaps with the one before: changes of one moment may be on two pages. */
const OVERLAP = 1

export class Decisions {
  private timer: ReturnType<typeof setTimeout> | undefined
  private since: string | undefined
  private following = false

  constructor(
    private readonly source: Source,
    private readonly take: (changed: readonly Triage[]) => void,
    /** The session has ended. */
    private readonly denied: () => void,
  ) {}

  /** Reads everything, then what changes. */
  follow(): void {
    if (this.following) return
    this.following = true
    void this.look()
  }

  stop(): void {
    clearTimeout(this.timer)
    this.following = false
    this.since = undefined
  }

  private async look(): Promise<void> {
    try {
      for (let more = true; more && this.following; ) more = await this.page()
    } catch (error) {
      if (error instanceof FetchError && error.status === 401) {
        this.stop()
        this.denied()
        return
      }
      // The server cannot be reached: it is asked again, as ever.
    }
    if (this.following) this.timer = setTimeout(() => void this.look(), EVERY)
  }

  /** Reads one page. Gives whether there may be another. */
  private async page(): Promise<boolean> {
    const changed = await this.source.triage(this.since)
    const last = changed.at(-1)
    if (last === undefined || !this.following) return false
    this.take(changed)
    const since = new Date(Date.parse(last.changed) - OVERLAP).toISOString()
    const moved = since !== this.since
    this.since = since
    return moved
  }
}
