/** The time, as it goes on: what is shown as "2 min" must not stand still. */

import { signal } from '@preact/signals'

/** Milliseconds between two looks at the clock. */
const TICK = 15_000

/** Now, seconds, Unix time. */
export const now = signal(Math.floor(Date.now() / 1000))

setInterval(() => {
  now.value = Math.floor(Date.now() / 1000)
}, TICK)

/** Calls now and every so often while the page is seen. Returns what ends it. */
export function repeatedly(milliseconds: number, call: () => void): () => void {
  const due = (): void => {
    if (document.visibilityState === 'visible') call()
  }
  due()
  const timer = setInterval(due, milliseconds)
  document.addEventListener('visibilitychange', due)
  return () => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', due)
  }
}
