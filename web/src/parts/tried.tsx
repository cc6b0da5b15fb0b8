/** What a search would find on the open days, told beside what is shown. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { applied } from '../model/rules'
import { result, worker } from '../model/state'
import type { Tried } from '../model/threat'
import { plural } from './format'
import { placeOf } from './to'

/** Milliseconds after the last key until it is tried. */
const PAUSE = 150

/** What a search finds; undefined while it is asked. Rules do not hide anything from it. */
export function useTried(search: string): Tried | undefined {
  const tried = useSignal<{ readonly search: string; readonly told: Tried } | undefined>(undefined)
  const number = result.value?.number
  useEffect(() => {
    if (search.trim() === '') return
    let stale = false
    const timer = setTimeout(() => {
      void worker()
        .tried(search)
        .then((told) => {
          if (!stale) tried.value = { search, told }
        })
    }, PAUSE)
    return () => {
      stale = true
      clearTimeout(timer)
    }
  }, [search, number])
  return tried.value?.search === search ? tried.value.told : undefined
}

/** How much rules hide, as the way to them. */
export function Hidden(): JSX.Element | null {
  const told = useTried(applied.value.map(({ rule }) => `(${rule})`).join(' OR '))
  if (applied.value.length === 0) return null
  const words = told === undefined ? '' : 'message' in told ? 'some' : plural(told.threats, 'threat')
  return (
    <a class="hidden-by" href={placeOf('rules')}>
      {words} hidden by {plural(applied.value.length, 'rule')}
    </a>
  )
}
