/** How bad it is: shape and word as well as colour. */

import type { JSX } from 'preact'
import { SEVERITIES } from '../model/vocabulary'

const SHAPES = ['M3 8h10', 'M3 10h10M3 6h10', 'M8 2l6 11H2z']

/** `severity`: 0 low, 1 medium, 2 high. */
export function Severity({ severity }: { readonly severity: number }): JSX.Element {
  const name = SEVERITIES[severity] ?? 'low'
  return (
    <span class={`severity ${name}`} title={name}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[severity] ?? ''} />
      </svg>
      <span class="hidden">{name}</span>
    </span>
  )
}

/** Evidence, 0 to 100, as a bar and a number. */
export function Evidence({ score, severity }: { readonly score: number; readonly severity: number }): JSX.Element {
  return (
    <span class={`evidence ${SEVERITIES[severity] ?? 'low'}`}>
      <Severity severity={severity} />
      <span class="bar" aria-hidden="true">
        <span style={{ width: `${score}%` }} />
      </span>
      <span class="number">{score}</span>
    </span>
  )
}
