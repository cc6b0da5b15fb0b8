/** What was done or went wrong, at the edge of the page, with the way back. */

import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { dismiss, notices, type Notice } from '../model/notices'

/** Milliseconds that what was done stands there; what went wrong stays. */
const STAYS = 8000

export function Notices(): JSX.Element {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <One key={notice.id} notice={notice} />
      ))}
    </div>
  )
}

function One({ notice }: { readonly notice: Notice }): JSX.Element {
  const { id, kind, text, actions } = notice
  const held = useRef(false)
  useEffect(() => {
    if (kind === 'wrong') return
    // Whoever points at it is still reading.
    const timer = setInterval(() => {
      if (!held.current) dismiss(id)
    }, STAYS)
    return () => clearInterval(timer)
  }, [id, kind])
  const hold = (value: boolean) => () => {
    held.current = value
  }
  return (
    <div class={`toast ${kind}`} onPointerEnter={hold(true)} onPointerLeave={hold(false)} onFocusIn={hold(true)} onFocusOut={hold(false)}>
      <span>{text}</span>
      {actions.map(({ name, act }) => (
        <button
          key={name}
          type="button"
          onClick={() => {
            dismiss(id)
            act()
          }}
        >
          {name}
        </button>
      ))}
      <button type="button" class="plain" aria-label="Close" onClick={() => dismiss(id)}>
        ×
      </button>
    </div>
  )
}
