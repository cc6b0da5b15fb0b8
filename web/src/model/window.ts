/** What the window has room for. */

import { signal, type ReadonlySignal } from '@preact/signals'

function matches(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query)
  const is = signal(list.matches)
  list.addEventListener('change', () => {
    is.value = list.matches
  })
  return is
}

/** Rows are cards, and the detail takes the whole window. */
export const narrow = matches('(max-width: 700px)')
/** Beside the table is room for the detail. */
export const wide = matches('(min-width: 1100px)')
