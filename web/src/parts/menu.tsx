/** The menu of a value: one for the whole page, opened where somebody asks for it. */

import { signal } from '@preact/signals'
import type { JSX } from 'preact'
import { Layer, type Place } from './popover'

/** A line of a menu: something to do, or an address to go to. */
export type Item =
  | { readonly name: string; readonly keys?: string; readonly act: () => void }
  | { readonly name: string; readonly keys?: string; readonly href: string; readonly outside?: boolean }
  | { readonly heading: string }

interface Open {
  readonly label: string
  readonly at: Place
  readonly items: readonly Item[]
}

const shown = signal<Open | undefined>(undefined)

export function openMenu(label: string, at: Place, items: readonly Item[]): void {
  shown.value = { label, at, items }
}

const close = (): void => {
  shown.value = undefined
}

/** Where the menu appears. Stands once in the page. */
export function Menu(): JSX.Element | null {
  const open = shown.value
  if (open === undefined) return null
  return (
    <Layer key={open} at={open.at} role="menu" label={open.label} class="menu" onClose={close}>
      <div role="none" onKeyDown={move}>
        {open.items.map((item, at) => (
          <Line key={at} item={item} />
        ))}
      </div>
    </Layer>
  )
}

function Line({ item }: { readonly item: Item }): JSX.Element {
  if ('heading' in item) return <p role="presentation">{item.heading}</p>
  const inner = (
    <>
      <span>{item.name}</span>
      {item.keys !== undefined && <kbd>{item.keys}</kbd>}
    </>
  )
  if ('href' in item) {
    const outside = item.outside === true ? { target: '_blank', rel: 'noopener noreferrer' } : {}
    return (
      <a role="menuitem" href={item.href} onClick={close} {...outside}>
        {inner}
      </a>
    )
  }
  return (
    <button
      type="button"
      role="menuitem"
      onClick={() => {
        close()
        item.act()
      }}
    >
      {inner}
    </button>
  )
}

function move(event: KeyboardEvent & { currentTarget: HTMLElement }): void {
  const items = [...event.currentTarget.querySelectorAll<HTMLElement>('[role=menuitem]')]
  const at = items.findIndex((item) => item === document.activeElement)
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key]
  if (to === undefined) return
  event.preventDefault()
  items[to % items.length]?.focus()
}
