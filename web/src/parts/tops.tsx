/** The most frequent values of something, each a way on. */

import type { ComponentChildren, JSX } from 'preact'
import { useSignal } from '@preact/signals'
import type { Counted, Top } from '../model/subject'
import { count } from './format'

/** Values that are shown before somebody asks for more. */
const FEW = 8

interface TopsProps {
  readonly title: string
  readonly top: Top
  readonly cell: (value: Counted) => ComponentChildren
}

export function Tops({ title, top, cell }: TopsProps): JSX.Element | null {
  const all = useSignal(false)
  const { values, distinct, capped } = top
  if (values.length === 0) return null
  const shown = all.value ? values : values.slice(0, FEW)
  const untold = distinct - values.length
  return (
    <section class="tops">
      <h2>
        {title} <span class="soft">{capped ? `${count(distinct)} and more` : count(distinct)}</span>
      </h2>
      <ol>
        {shown.map((value) => (
          <li key={value.value}>
            <span class="what">{cell(value)}</span>
            <span class="number">{count(value.events)}</span>
          </li>
        ))}
      </ol>
      {values.length > FEW && (
        <button type="button" class="plain" aria-expanded={all.value} onClick={() => (all.value = !all.value)}>
          {all.value ? 'fewer' : `${count(values.length - FEW)} more`}
        </button>
      )}
      {all.value && untold > 0 && <p class="soft">{count(untold)} more have fewer events and are not told here; a hunt finds them.</p>}
    </section>
  )
}
