/**
 * One column of a chunk: numbers as planes of bytes. Item `i` is `b[i] + 256 b[n + i] + 65536 b[2n + i] + ...`; with
 * transform 1 it is the difference to the item before. Bytes may be anything: lengths are held to what there is.
 */

/** Why bytes are no chunk. */
export class ChunkError extends Error {
  override name = 'ChunkError'
}

const HEAD_BYTES = 8

/** A column as it lies in the chunk. */
export interface Column {
  readonly tag: number
  readonly width: number
  readonly delta: boolean
  readonly items: number
  readonly bytes: Uint8Array
}

/** Walks along the columns of a chunk. */
export class Columns {
  private at: number

  /** `most`: items of a column at most. A column of zeros takes no bytes, so its length says nothing of the chunk's. */
  constructor(
    private readonly bytes: Uint8Array,
    at: number,
    private readonly most: number,
  ) {
    this.at = at
  }

  /** The next column, which must have this tag and, where told, so many items. */
  take(tag: number, items?: number): Column {
    const { bytes, at } = this
    if (at + HEAD_BYTES > bytes.length) throw new ChunkError(`column ${tag} is missing`)
    const view = new DataView(bytes.buffer, bytes.byteOffset + at, HEAD_BYTES)
    const width = view.getUint8(2)
    const transform = view.getUint8(3)
    const told = view.getUint32(4, true)
    if (view.getUint16(0, true) !== tag || width > 8 || transform > 1) throw new ChunkError(`column ${tag} is damaged`)
    const end = at + HEAD_BYTES + told * width
    if (end > bytes.length || told > Math.max(this.most, bytes.length) || (items !== undefined && told !== items)) throw new ChunkError(`wrong length of column ${tag}`)
    this.at = end
    return { tag, width, delta: transform === 1, items: told, bytes: bytes.subarray(at + HEAD_BYTES, end) }
  }

  /** Nothing may be left. */
  end(): void {
    if (this.at !== this.bytes.length) throw new ChunkError('there is something behind the last column')
  }
}

/** Items that lie below a limit, at most 2^32. */
export function small(column: Column, limit = 2 ** 32): Uint32Array {
  const { bytes, items, width, delta, tag } = column
  if (width > 4) throw new ChunkError(`column ${tag} has too great numbers`)
  const values = new Uint32Array(items)
  for (let plane = 0; plane < width; plane++) {
    const shift = 8 * plane
    const start = plane * items
    for (let i = 0; i < items; i++) values[i]! |= bytes[start + i]! << shift
  }
  if (delta) {
    let before = 0
    for (let i = 0; i < items; i++) {
      before += values[i]!
      values[i] = before
    }
    if (before >= 2 ** 32) throw new ChunkError(`column ${tag} is damaged`)
  }
  if (limit < 2 ** 32) {
    for (let i = 0; i < items; i++) if (values[i]! >= limit) throw new ChunkError(`column ${tag} names what is not there`)
  }
  return values
}

/** Items of any size as numbers; exact up to 2^53. */
export function large(column: Column): Float64Array {
  const { bytes, items, width, delta } = column
  const values = new Float64Array(items)
  let factor = 1
  for (let plane = 0; plane < width; plane++, factor *= 256) {
    const start = plane * items
    for (let i = 0; i < items; i++) values[i]! += bytes[start + i]! * factor
  }
  if (delta) for (let i = 1; i < items; i++) values[i]! += values[i - 1]!
  return values
}

/** Items of up to 64 bits as lower and upper halves. Not for columns of differences. */
export function halves(column: Column): { low: Uint32Array; high: Uint32Array } {
  if (column.delta) throw new ChunkError(`column ${column.tag} is damaged`)
  const { bytes, items, width } = column
  const part = (first: number, last: number): Uint32Array =>
    small({
      ...column,
      width: Math.max(0, Math.min(width, last) - first),
      bytes: bytes.subarray(Math.min(first, width) * items, Math.min(last, width) * items),
    })
  return { low: part(0, 4), high: part(4, 8) }
}
