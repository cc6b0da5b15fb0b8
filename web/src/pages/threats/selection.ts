/** Threats that are selected for a change of many, by id. */

import { signal } from '@preact/signals'
import { say } from '../../model/notices'
import { route, worker } from '../../model/state'
import { MAX_IDS } from '../../worker/messages'

export const selected = signal<ReadonlySet<string>>(new Set())
/** Row at which a range begins. */
let anchor = 0

export function clearSelection(): void {
  selected.value = new Set()
}

/** Selects a row, or lets go of it. */
export function toggle(id: string, index: number): void {
  const next = new Set(selected.peek())
  if (!next.delete(id)) next.add(id)
  anchor = index
  selected.value = next
}

/** Selects all rows from the last one that was selected to this one. */
export async function selectTo(index: number): Promise<void> {
  await add(Math.min(anchor, index), Math.max(anchor, index) + 1)
}

/** Selects everything that is shown. */
export async function selectAll(rows: number): Promise<void> {
  await add(0, rows)
  if (rows > MAX_IDS) say(`The first ${MAX_IDS.toLocaleString('en')} threats are selected: not more at once.`)
}

async function add(from: number, to: number): Promise<void> {
  // Groups are no threats.
  if (route.peek().query.group !== 'none') return
  const ids = await worker().ids(from, to)
  selected.value = new Set([...selected.peek(), ...ids])
}
