/** Where rows stand. Browsers stop at some 30 million pixels, so of very many rows a pixel stands for several. Pure. */

/** Height of what is scrolled at most, pixels. */
export const MAX_HEIGHT = 8_000_000

export interface Frame {
  readonly count: number
  /** Pixels. */
  readonly rowHeight: number
  readonly viewHeight: number
}

/** Height of what is scrolled. */
export function scrollHeight({ count, rowHeight }: Frame): number {
  return Math.min(count * rowHeight, MAX_HEIGHT)
}

/** The row that stands on top, with the part of it that is above. */
export function topRow(frame: Frame, scrollTop: number): number {
  const { count, rowHeight, viewHeight } = frame
  const hidden = Math.max(0, count - viewHeight / rowHeight)
  const range = Math.max(1, scrollHeight(frame) - viewHeight)
  return Math.min(1, Math.max(0, scrollTop / range)) * hidden
}

/** Where to scroll for a row on top. */
export function scrollFor(frame: Frame, top: number): number {
  const { count, rowHeight, viewHeight } = frame
  const hidden = Math.max(0, count - viewHeight / rowHeight)
  const range = Math.max(0, scrollHeight(frame) - viewHeight)
  return hidden === 0 ? 0 : (Math.min(Math.max(0, top), hidden) / hidden) * range
}

/** The row that must be on top so that a row is seen; the one that is, if it is seen already. */
export function topToSee(frame: Frame, top: number, row: number): number {
  const rows = frame.viewHeight / frame.rowHeight
  if (row < top) return row
  return row + 1 > top + rows ? row + 1 - rows : top
}
