/** What the worker fetches: manifests and chunks of days. Nothing but the page's own server is asked. */

import type { Triage } from '../model/threat'
import { readChunk, type Chunk } from './chunk/read'

/** What there is of a day, as far as it is used. */
export interface Manifest {
  readonly day: string
  /** Instants. */
  readonly start: string
  readonly end: string
  readonly events: number
  readonly lines: number
  readonly rows: number
  readonly chunks: readonly { readonly name: string; readonly rows: number; readonly bytes: number }[]
  readonly cursor: number
}

/** An answer that is none. */
export class FetchError extends Error {
  override name = 'FetchError'

  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
  }
}

/** Asks the server; what it refuses is thrown with the words of its problem document. */
async function get(path: URL, signal?: AbortSignal): Promise<Response> {
  const answer = await fetch(path, { credentials: 'same-origin', ...(signal === undefined ? {} : { signal }) })
  if (answer.ok) return answer
  const problem: unknown = await answer.json().catch(() => undefined)
  const detail = typeof problem === 'object' && problem !== null && 'detail' in problem ? String(problem.detail) : answer.statusText
  throw new FetchError(answer.status, detail)
}

export class Source {
  /** `base`: where the server's paths begin. */
  constructor(private readonly base: URL) {}

  /** A day without events has an empty one. */
  async manifest(day: string, signal: AbortSignal): Promise<Manifest | undefined> {
    try {
      const answer = await get(new URL(`api/v1/threats/${day}`, this.base), signal)
      return (await answer.json()) as Manifest
    } catch (error) {
      if (error instanceof FetchError && error.status === 404) return undefined
      throw error
    }
  }

  /** A chunk by its name. It never changes, so the browser keeps it. */
  async chunk(day: string, name: string, signal: AbortSignal): Promise<Chunk> {
    const answer = await get(new URL(`api/v1/threats/${day}/${name}`, this.base), signal)
    return readChunk(new Uint8Array(await answer.arrayBuffer()))
  }
  /** What was decided after an instant; without one, everything. */
  async triage(since: string | undefined): Promise<readonly Triage[]> {
    const path = new URL('api/v1/triage', this.base)
    if (since !== undefined) path.searchParams.set('since', since)
    const answer = await get(path)
    return (await answer.json()) as Triage[]
  }
}
