/** Short messages about what was done, with a way back where there is one. */

import { signal } from '@preact/signals'

export interface Action {
  readonly name: string
  readonly act: () => void
}

export interface Notice {
  readonly id: number
  readonly kind: 'done' | 'wrong'
  readonly text: string
  readonly actions: readonly Action[]
}

/** Notices that are shown at once; older ones go. */
const MAX_NOTICES = 3

export const notices = signal<readonly Notice[]>([])
let next = 1

/** Says what was done. */
export function say(text: string, actions: readonly Action[] = []): void {
  add('done', text, actions)
}

/** Says what went wrong; stays until it is closed. */
export function complain(text: string, actions: readonly Action[] = []): void {
  add('wrong', text, actions)
}

function add(kind: Notice['kind'], text: string, actions: readonly Action[]): void {
  notices.value = [...notices.peek(), { id: next++, kind, text, actions }].slice(-MAX_NOTICES)
}

export function dismiss(id: number): void {
  notices.value = notices.peek().filter((notice) => notice.id !== id)
}

/** Takes back what was done last, where that can be. */
export function undoLast(): boolean {
  const last = notices.peek().findLast(({ actions }) => actions.some(({ name }) => name === UNDO))
  if (last === undefined) return false
  dismiss(last.id)
  last.actions.find(({ name }) => name === UNDO)?.act()
  return true
}

export const UNDO = 'Undo'
