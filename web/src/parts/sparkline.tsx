/** Events by hour as small bars. */

import type { JSX } from 'preact'

export function Sparkline({ values }: { readonly values: readonly number[] }): JSX.Element {
  const most = Math.max(1, ...values)
  // Roots, so that one event beside a thousand is still seen.
  const bar = (value: number): number => (value === 0 ? 0 : Math.max(1, Math.round(14 * Math.sqrt(value / most))))
  const path = values.map((value, at) => (value === 0 ? '' : `M${3 * at},${14 - bar(value)}v${bar(value)}h2v${-bar(value)}z`))
  const busy = values.filter((value) => value > 0).length
  return (
    <svg class="sparkline" viewBox={`0 0 ${3 * values.length} 14`} preserveAspectRatio="none" role="img" aria-label={`in ${busy} of ${values.length} hours`}>
      <path d={path.join('')} />
    </svg>
  )
}
