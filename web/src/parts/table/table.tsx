/**
 * A table of very many rows of which only those in sight exist. Rows come from `load`; `version` rises when they may have
 * changed. It is a grid to a screen reader: one stop for Tab, j k and arrows move, Enter opens.
 */

import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { scrollFor, scrollHeight, topRow, topToSee, type Frame } from './place'
import { Rows, type Load } from './rows'

export interface Column<T> {
  readonly key: string
  readonly title: string
  /** Pixels; 0: what is left. */
  readonly width: number
  readonly align?: 'end'
  /** It can be sorted by. */
  readonly sortable?: boolean
  readonly cell: (row: T) => ComponentChildren
}

export interface TableProps<T> {
  readonly label: string
  readonly columns: readonly Column<T>[]
  readonly count: number
  readonly version: number
  readonly rowHeight: number
  readonly load: Load<T>
  readonly keyOf: (row: T) => string
  /** Key of the row that is open. */
  readonly open?: string | undefined
  readonly onOpen: (row: T) => void
  readonly sort?: { readonly by: string; readonly descending: boolean } | undefined
  readonly onSort?: (key: string) => void
  /** Other keys, with the row they are about. */
  readonly onKey?: (event: KeyboardEvent, row: T, index: number) => void
}

export function Table<T>(props: TableProps<T>): JSX.Element {
  const { count, rowHeight, version, columns, load } = props
  const scroller = useRef<HTMLDivElement>(null)
  const rows = useMemo(() => new Rows<T>(load), [load])
  const view = useSignal({ top: 0, height: 600 })
  const active = useSignal(0)
  rows.renew(version)
  const frame: Frame = { count, rowHeight, viewHeight: Math.max(rowHeight, view.value.height) }
  const top = Math.min(view.value.top, Math.max(0, count - frame.viewHeight / rowHeight))
  const first = Math.floor(top)
  const last = Math.min(count, Math.ceil(top + frame.viewHeight / rowHeight))
  // Read so that rows that have come are drawn.
  const came = rows.came.value
  useEffect(() => rows.see(first, last), [rows, version, first, last, came])
  useLayoutEffect(() => {
    const element = scroller.current
    if (element === null) return
    const measure = (): void => {
      const head = element.querySelector('thead')?.getBoundingClientRect().height ?? 0
      view.value = { ...view.peek(), height: element.clientHeight - head }
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const move = (to: number): void => {
    active.value = Math.min(Math.max(0, to), Math.max(0, count - 1))
    const next = topToSee(frame, top, active.value)
    if (next !== top && scroller.current !== null) scroller.current.scrollTop = scrollFor(frame, next)
  }
  const shown = Array.from({ length: last - first }, (_, at) => first + at)
  return (
    <div
      class="table"
      ref={scroller}
      onScroll={(event) => {
        view.value = { ...view.peek(), top: topRow(frame, event.currentTarget.scrollTop) }
      }}
    >
      <div class="table-size" style={{ height: `${scrollHeight(frame)}px` }} />
      <table
        role="grid"
        aria-label={props.label}
        aria-rowcount={count + 1}
        aria-colcount={columns.length}
        aria-activedescendant={count > 0 ? `row-${active.value}` : undefined}
        tabIndex={0}
        onKeyDown={(event) => {
          const page = Math.max(1, Math.floor(frame.viewHeight / rowHeight) - 1)
          const to = target(event, active.value, page, count)
          const row = rows.at(active.value)
          if (to !== undefined) move(to)
          else if (event.key === 'Enter' && row !== undefined) props.onOpen(row)
          else {
            if (row !== undefined) props.onKey?.(event, row, active.value)
            return
          }
          event.preventDefault()
        }}
      >
        <colgroup>
          {columns.map(({ key, width }) => (
            <col key={key} style={width === 0 ? {} : { width: `${width}px` }} />
          ))}
        </colgroup>
        <Head {...props} />
        <tbody style={{ transform: `translateY(${(first - top) * rowHeight}px)` }}>
          {shown.map((index) => {
            const row = rows.at(index)
            return (
              <tr
                key={index}
                id={`row-${index}`}
                aria-rowindex={index + 2}
                aria-selected={index === active.value}
                class={row !== undefined && props.keyOf(row) === props.open ? 'open' : undefined}
                style={{ height: `${rowHeight}px` }}
                onClick={() => {
                  active.value = index
                  if (row !== undefined) props.onOpen(row)
                }}
              >
                {columns.map((column) => (
                  <td key={column.key} class={column.align}>
                    {row === undefined ? '' : column.cell(row)}
                  </td>
                ))}
              </tr>
            )
          })}
        </tbody>
      </table>
    </div>
  )
}

function Head<T>({ columns, sort, onSort }: TableProps<T>): JSX.Element {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {columns.map(({ key, title, align, sortable }) => {
          const sorted = sort?.by === key
          const order = sort?.descending === true ? 'descending' : 'ascending'
          return (
            <th key={key} scope="col" class={align} aria-sort={sorted ? order : undefined}>
              {sortable === true ? (
                <button type="button" tabIndex={-1} onClick={() => onSort?.(key)}>
                  {title}
                  <span aria-hidden="true">{sorted ? (order === 'descending' ? ' ↓' : ' ↑') : ''}</span>
                </button>
              ) : (
                title
              )}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

/** The row a key moves to. */
function target(event: KeyboardEvent, active: number, page: number, count: number): number | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined
  switch (event.key) {
    case 'j':
    case 'ArrowDown':
      return active + 1
    case 'k':
    case 'ArrowUp':
      return active - 1
    case 'PageDown':
      return active + page
    case 'PageUp':
      return active - page
    case 'Home':
      return 0
    case 'End':
      return count - 1
    default:
      return undefined
  }
}
