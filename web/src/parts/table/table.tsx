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
  /** It goes where there is no room, the least of them first; without, it stays. */
  readonly yields?: number
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
  /** Keys of the rows that are selected; without, none can be. */
  readonly selected?: ReadonlySet<string>
  /** A row is to be selected or let go of, or all from the last one to this. */
  readonly onSelect?: (row: T, index: number, range: boolean) => void
  /** A column was given a width, pixels; without, none can be. */
  readonly onResize?: (key: string, width: number) => void
}

export function Table<T>(props: TableProps<T>): JSX.Element {
  const { count, rowHeight, version, load } = props
  const scroller = useRef<HTMLDivElement>(null)
  const rows = useMemo(() => new Rows<T>(load), [load])
  const view = useSignal({ top: 0, height: 600, width: Infinity })
  const columns = useMemo(() => fitting(props.columns, view.value.width), [props.columns, view.value.width])
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
      view.value = { ...view.peek(), height: element.clientHeight - head, width: element.clientWidth }
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
        aria-colcount={columns.length + (props.selected === undefined ? 0 : 1)}
        aria-multiselectable={props.selected !== undefined}
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
          {props.selected !== undefined && <col class="select" />}
          {columns.map(({ key, width }) => (
            <col key={key} style={width === 0 ? {} : { width: `${width}px` }} />
          ))}
        </colgroup>
        <Head {...props} columns={columns} />
        <tbody style={{ transform: `translateY(${(first - top) * rowHeight}px)` }}>
          {shown.map((index) => {
            const row = rows.at(index)
            const marked = row !== undefined && props.selected?.has(props.keyOf(row)) === true
            return (
              <tr
                key={index}
                id={`row-${index}`}
                aria-rowindex={index + 2}
                aria-selected={props.selected === undefined ? index === active.value : marked}
                class={`${index === active.value ? 'active' : ''}${row !== undefined && props.keyOf(row) === props.open ? ' open' : ''}`}
                style={{ height: `${rowHeight}px` }}
                onClick={() => {
                  active.value = index
                  if (row !== undefined) props.onOpen(row)
                }}
              >
                {props.selected !== undefined && <Select {...props} row={row} index={index} marked={marked} />}
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

/** Pixels that are left for the column that takes the rest. */
const REST = 230
/** Pixels of a wide column at least, where there is no room. */
const NARROW = 120
/** Pixels of the place to select. */
const SELECT = 32

/** Columns that there is room for; wide ones get narrower where that is not enough. */
function fitting<T>(columns: readonly Column<T>[], room: number): readonly Column<T>[] {
  const missing = (some: readonly Column<T>[]): number => some.reduce((sum, { width }) => sum + (width === 0 ? REST : width), SELECT) - room
  let left = columns
  while (missing(left) > 0) {
    const [first] = left.filter(({ yields }) => yields !== undefined).sort((a, b) => (a.yields ?? 0) - (b.yields ?? 0))
    if (first === undefined) break
    left = left.filter((column) => column !== first)
  }
  const spare = left.reduce((sum, { width }) => sum + Math.max(0, width - NARROW), 0)
  const part = spare === 0 ? 0 : Math.min(1, Math.max(0, missing(left)) / spare)
  return part === 0 ? left : left.map((column) => ({ ...column, width: column.width - part * Math.max(0, column.width - NARROW) }))
}

/** The place to click for a row to be selected. It is a picture: keys and screen readers have the row itself. */
function Select<T>({ row, index, marked, onSelect }: TableProps<T> & { readonly row: T | undefined; readonly index: number; readonly marked: boolean }): JSX.Element {
  return (
    <td
      class="select"
      onClick={(event) => {
        event.stopPropagation()
        if (row !== undefined) onSelect?.(row, index, event.shiftKey)
      }}
    >
      <span class={marked ? 'box on' : 'box'} aria-hidden="true" />
    </td>
  )
}

function Head<T>({ columns, sort, onSort, selected, onResize }: TableProps<T>): JSX.Element {
  return (
    <thead>
      <tr aria-rowindex={1}>
        {selected !== undefined && (
          <th scope="col" class="select">
            <span class="hidden">Selected</span>
          </th>
        )}
        {columns.map(({ key, title, align, sortable }) => {
          const sorted = sort?.by === key
          const order = sort?.descending === true ? 'descending' : 'ascending'
          return (
            <th key={key} scope="col" class={align} aria-sort={sorted ? order : undefined}>
              {sortable === true ? (
                <button type="button" onClick={() => onSort?.(key)}>
                  {title}
                  <span aria-hidden="true">{sorted ? (order === 'descending' ? ' ↓' : ' ↑') : ''}</span>
                </button>
              ) : (
                title
              )}
              {onResize !== undefined && <Grip onResize={(width) => onResize(key, width)} />}
            </th>
          )
        })}
      </tr>
    </thead>
  )
}

/** The edge of a column, to be drawn. */
function Grip({ onResize }: { readonly onResize: (width: number) => void }): JSX.Element {
  return (
    <span
      class="grip"
      aria-hidden="true"
      onPointerDown={(event) => {
        const grip = event.currentTarget
        const head = grip.closest('th')
        if (head === null || event.button !== 0) return
        event.preventDefault()
        const { width } = head.getBoundingClientRect()
        const start = event.clientX
        grip.setPointerCapture(event.pointerId)
        grip.onpointermove = (now) => onResize(width + now.clientX - start)
        grip.onpointerup = grip.onpointercancel = () => {
          grip.onpointermove = null
        }
      }}
    />
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
