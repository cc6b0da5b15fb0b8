/** What the server tells a page, and how it looks while it is not there: loading, failed, old. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { get, problemOf } from '../model/api'

export interface Answer<T> {
  /** The last that came; kept while it is asked for again. */
  readonly value: T | undefined
  /** Why there is none, or none that is newer. */
  readonly problem: string | undefined
  readonly again: () => void
}

/** Asks the server for a path, and again every so many seconds where these are told. Nothing is asked without a path. */
export function useAnswer<T>(path: string | undefined, every = 0): Answer<T> {
  const told = useSignal<{ path: string; value?: T; problem?: string }>({ path: '' })
  const turn = useSignal(0)
  const now = turn.value
  useEffect(() => {
    if (path === undefined) return
    const stop = new AbortController()
    const ask = async (): Promise<void> => {
      try {
        told.value = { path, value: await get<T>(path, stop.signal) }
      } catch (error) {
        const before = told.peek()
        if (!stop.signal.aborted) told.value = { ...(before.path === path ? before : { path }), problem: problemOf(error) }
      }
    }
    void ask()
    const timer = every > 0 ? setInterval(() => void ask(), 1000 * every) : undefined
    return () => {
      stop.abort()
      clearInterval(timer)
    }
  }, [path, every, now])
  const { value, problem } = told.value.path === path ? told.value : {}
  return { value, problem, again: () => turn.value++ }
}

interface GivenProps<T> {
  readonly answer: Answer<T>
  /** What is asked for, as in `Sensors cannot be read`. */
  readonly what: string
  readonly children: (value: T) => ComponentChildren
}

/** Draws what came; tells where nothing came, or nothing new. */
export function Given<T>({ answer, what, children }: GivenProps<T>): JSX.Element {
  const { value, problem, again } = answer
  return (
    <>
      {problem !== undefined && (
        <p class="notice wrong" role="alert">
          {what} cannot be read{value === undefined ? '' : ' anew; this is how it was before'}: {problem}{' '}
          <button type="button" onClick={again}>
            Try again
          </button>
        </p>
      )}
      {value === undefined ? problem === undefined && <p class="loading" aria-busy="true">Loading …</p> : children(value)}
    </>
  )
}
