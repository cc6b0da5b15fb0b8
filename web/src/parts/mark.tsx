/** Whether something is well, as shape and word. Not how severe a threat is: that is `severity`. */

import type { ComponentChildren, JSX } from 'preact'

export type State = 'well' | 'unsure' | 'ill' | 'off'

const SHAPES: Readonly<Record<State, string>> = {
  well: 'M3 8.5l3.5 3.5L13 5',
  unsure: 'M8 4v5M8 11.5v.5',
  ill: 'M4 4l8 8M12 4l-8 8',
  off: 'M4 8h8',
}

export function Mark({ state, children }: { readonly state: State; readonly children: ComponentChildren }): JSX.Element {
  return (
    <span class={`mark ${state}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[state]} />
      </svg>
      <span>{children}</span>
    </span>
  )
}
