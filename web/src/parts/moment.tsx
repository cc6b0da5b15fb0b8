/** An instant as people say it, with the exact time behind it. */

import type { JSX } from 'preact'
import { lasted } from './format'
import { clocks, moment } from './when'

/** Seconds of an instant that the server wrote. */
export const seconds = (instant: string): number => Date.parse(instant) / 1000

/** `2 min ago`. `now` is told where the server's clock counts. */
export function Ago({ at, now = Date.now() / 1000 }: { readonly at: string; readonly now?: number }): JSX.Element {
  const passed = now - seconds(at)
  return (
    <time dateTime={at} title={exact(at)}>
      {passed < 0 ? `in ${lasted(-passed)}` : `${lasted(passed)} ago`}
    </time>
  )
}

/** `2026-11-20 14:03:12` in the zone that is shown. */
export function Moment({ at }: { readonly at: string }): JSX.Element {
  return (
    <time dateTime={at} title={exact(at)}>
      {clocks.value.moment(seconds(at))}
    </time>
  )
}

function exact(at: string): string {
  return moment(seconds(at))
}
