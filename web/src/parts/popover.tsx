/** What opens above the rest at a button or a point, and closes by Escape, a click elsewhere, or when it is done with. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** Pixels between it and what it belongs to, and the edges. */
const GAP = 4

export interface Place {
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
}

export interface LayerProps {
  /** Where it belongs to. */
  readonly at: Place
  /** Which edge it keeps to. */
  readonly align?: 'start' | 'end'
  readonly class?: string
  readonly role?: 'dialog' | 'menu'
  readonly label: string
  readonly onClose: () => void
  readonly children: ComponentChildren
}

/** The thing itself, as long as it is drawn. */
export function Layer({ at, align = 'start', class: name = '', role = 'dialog', label, onClose, children }: LayerProps): JSX.Element {
  const layer = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const element = layer.current
    if (element === null) return
    const before = document.activeElement
    element.showPopover()
    place(element, at, align)
    const inside = element.querySelector<HTMLElement>('[autofocus], input, [role^=menuitem], button, a')
    ;(inside ?? element).focus({ preventScroll: true })
    return () => {
      // Focus goes back to where it came from, unless somebody put it elsewhere.
      const lost = document.activeElement === document.body || element.contains(document.activeElement)
      if (lost && before instanceof HTMLElement) before.focus({ preventScroll: true })
    }
  }, [])
  return (
    <div
      ref={layer}
      popover="auto"
      class={`layer ${name}`}
      role={role}
      aria-label={label}
      tabIndex={-1}
      onToggle={(event) => {
        if ((event as unknown as ToggleEvent).newState === 'closed') onClose()
      }}
    >
      {children}
    </div>
  )
}

/** Below what it belongs to, or above where there is more room, within the window. */
function place(element: HTMLElement, at: Place, align: 'start' | 'end'): void {
  const { width, height } = element.getBoundingClientRect()
  const below = innerHeight - at.bottom - GAP
  const top = height <= below || below >= at.top ? at.bottom + GAP : Math.max(GAP, at.top - GAP - height)
  const left = align === 'start' ? at.left : at.right - width
  element.style.top = `${top}px`
  element.style.left = `${Math.min(Math.max(GAP, left), Math.max(GAP, innerWidth - width - GAP))}px`
  element.style.maxHeight = `${innerHeight - top - GAP}px`
}

export interface PopoverProps {
  /** What stands on the button. */
  readonly button: ComponentChildren
  /** Its name, where what stands there says too little. */
  readonly label: string
  readonly class?: string
  readonly title?: string
  readonly align?: 'start' | 'end'
  readonly children: (close: () => void) => ComponentChildren
}

/** A button that opens one. */
export function Popover({ button, label, class: name, title, align, children }: PopoverProps): JSX.Element {
  const open = useSignal<Place | undefined>(undefined)
  const anchor = useRef<HTMLButtonElement>(null)
  const close = (): void => {
    open.value = undefined
  }
  return (
    <>
      <button
        ref={anchor}
        type="button"
        class={name}
        title={title}
        aria-label={label}
        aria-haspopup="dialog"
        aria-expanded={open.value !== undefined}
        onClick={() => {
          open.value = open.peek() === undefined ? anchor.current?.getBoundingClientRect() : undefined
        }}
      >
        {button}
      </button>
      {open.value !== undefined && (
        <Layer at={open.value} align={align ?? 'start'} label={label} onClose={close}>
          {children(close)}
        </Layer>
      )}
    </>
  )
}
