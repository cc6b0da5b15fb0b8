/** Calls to the server's interface, from the page. Threats come through the worker instead. */

/** What the server refused, in its words. */
export class ApiError extends Error {
  override name = 'ApiError'

  constructor(
    /** 0: the server was not reached. */
    readonly status: number,
    message: string,
    /** The whole answer: what it is now where somebody else changed it (409). */
    readonly body?: unknown,
  ) {
    super(message)
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Asks; a body is sent as JSON. Paths begin without `/`: the page may lie below a path of a proxy. */
export async function call<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, credentials: 'same-origin' }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers = { 'content-type': 'application/json' }
  }
  if (signal !== undefined) init.signal = signal
  let answer: Response
  try {
    answer = await fetch(new URL(path, document.baseURI), init)
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new ApiError(0, 'the server cannot be reached')
  }
  const text = await answer.text()
  const told = answer.headers.get('content-type')?.includes('json') === true ? (JSON.parse(text) as unknown) : text
  if (answer.ok) return told as T
  const detail = typeof told === 'object' && told !== null && 'detail' in told ? String(told.detail) : answer.statusText
  throw new ApiError(answer.status, detail, told)
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>('GET', path, undefined, signal)

/** Words for what went wrong. */
export function problemOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
