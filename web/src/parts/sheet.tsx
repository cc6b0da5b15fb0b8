/** A plain table of rows that are all there: a few hundred at most. It sorts by what its columns say. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'

export interface SheetColumn<T> {
  readonly key: string
  readonly title: string
  readonly align?: 'end'
  /** What it is sorted by; without, it is not. */
  readonly by?: (row: T) => string | number
  readonly cell: (row: T) => ComponentChildren
}

interface SheetProps<T> {
  readonly label: string
  readonly columns: readonly SheetColumn<T>[]
  readonly rows: readonly T[]
  readonly keyOf: (row: T) => string | number
  /** Said where there are no rows. */
  readonly empty: string
}

export function Sheet<T>({ label, columns, rows, keyOf, empty }: SheetProps<T>): JSX.Element {
  const sort = useSignal<{ key: string; descending: boolean } | undefined>(undefined)
  const now = sort.value
  const by = columns.find(({ key }) => key === now?.key)?.by
  const sorted = by === undefined ? rows : rows.toSorted((a, b) => (now?.descending === true ? -1 : 1) * compare(by(a), by(b)))
  if (rows.length === 0) return <p class="none">{empty}</p>
  return (
    <div class="sheet" role="region" aria-label={label} tabIndex={0}>
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map(({ key, title, align, by }) => {
              const order = now?.key !== key ? undefined : now.descending ? 'descending' : 'ascending'
              return (
                <th key={key} scope="col" class={align} aria-sort={order}>
                  {by === undefined ? (
                    title
                  ) : (
                    <button type="button" onClick={() => (sort.value = { key, descending: order === 'ascending' })}>
                      {title}
                      <span aria-hidden="true">{order === undefined ? '' : order === 'descending' ? ' ↓' : ' ↑'}</span>
                    </button>
                  )}
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {sorted.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ key, align, cell }) => (
                <td key={key} class={align}>
                  {cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function compare(one: string | number, other: string | number): number {
  return one < other ? -1 : one > other ? 1 : 0
}
