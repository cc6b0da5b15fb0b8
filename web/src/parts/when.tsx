/** Instants: how long ago, or the time where that says more; the whole of it on a closer look. */

import { computed } from '@preact/signals'
import type { JSX } from 'preact'
import { now } from '../model/clock'
import { zone } from '../model/preferences'
import { openDays } from '../model/state'
import { clock, lasted } from './format'

/** Seconds after which it is told as a time. */
const LONG_AGO = 24 * 3600

/** Writes instants in the zone that is shown. */
export const clocks = computed(() => clock(zone.value))
const short = computed(
  () => new Intl.DateTimeFormat('en-GB', { timeZone: zone.value, hourCycle: 'h23', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }),
)

/** The whole instant, with its zone. */
export const moment = (at: number): string => `${clocks.value.moment(at)} ${zone.value.replace(/^Etc\//, '')}`

export function When({ at }: { readonly at: number }): JSX.Element {
  const ago = now.value - at
  const text = ago >= 0 && ago < LONG_AGO ? lasted(ago) : openDays.value.length > 1 ? short.value.format(1000 * at).replace(',', '') : clocks.value.time(at)
  return (
    <time dateTime={new Date(1000 * at).toISOString()} title={moment(at)}>
      {text}
    </time>
  )
}
