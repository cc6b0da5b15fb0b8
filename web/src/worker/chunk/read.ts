/**
 * Reads a chunk of threats as the server writes it. The format is described in the server's `condense/chunk`. Every
 * number is held to its bounds here, so that what uses a chunk need not look again.
 */

import { KINDS } from '../../model/vocabulary'
import { ChunkError, Columns, halves, large, small } from './column'

export { ChunkError } from './column'

const HEADER_BYTES = 40
const MAGIC = 0x3163746d // mtc1
const VERSION = 1
const CUT = 2
const MAX_SLOTS = 31
/** Rows of one chunk: as many as the server writes into one. */
const MAX_ROWS = 128 << 10
/** Values of a list of one row, hours included. */
const MAX_LISTED = 31

/** Counts of the whole day, also of threats that there was no room for. */
export interface Totals {
  /** For every hour slot events of low, medium, high severity, one slot behind the other. */
  readonly bySlot: Float64Array
  /** In the order of KINDS. */
  readonly byKind: Float64Array
  readonly lines: number
  /** Events whose time lies outside of the day; they are in nothing else. */
  readonly outside: number
}

/** Values of a set of every row: how many are told, one behind the other, and how many more there are. */
export interface SetColumns {
  readonly lengths: Uint32Array
  readonly values: Uint32Array
  readonly more: Uint32Array
}

/** Columns with an item for each row, and what follows from them. */
export interface RowColumns {
  readonly trail: Uint32Array
  readonly host: Uint32Array
  /** 0: the same as the indicator, else string + 1. */
  readonly shown: Uint32Array
  readonly lines: Uint32Array
  readonly count: Float64Array
  /** Seconds from the day's first. */
  readonly first: Uint32Array
  readonly last: Uint32Array
  readonly protocol: Uint32Array
  readonly directions: Uint32Array
  readonly evidence: Uint32Array
  readonly reasons: Uint32Array
  /** Hour slots with events besides that of the first second, with their counts one behind the other. */
  readonly slots: { readonly lengths: Uint32Array; readonly slots: Uint8Array; readonly counts: Float64Array }
  readonly destinations: SetColumns
  readonly ports: SetColumns
  readonly sensors: SetColumns
  /** Ids of rows whose id cannot be worked out, by row. */
  readonly ids: ReadonlyMap<number, readonly [low: number, high: number]>
}

/** A chunk. */
export interface Chunk {
  /** First second of the day, Unix time. */
  readonly start: number
  readonly slots: number
  readonly rows: number
  /** Rank of its first row. */
  readonly rank: number
  /** Rows in all chunks of this part of the day. */
  readonly all: number
  /** Threats are missing for want of room. */
  readonly cut: boolean
  readonly totals: Totals
  /** UTF-8, one behind the other, in order of bytes; where each ends. */
  readonly strings: { readonly bytes: Uint8Array; readonly ends: Uint32Array }
  /** Address numbers begin with IPv4 ... */
  readonly v4: Uint32Array
  /** ... and go on with IPv6: four numbers each, the first 32 bits first. */
  readonly v6: Uint32Array
  readonly hosts: { readonly address: Uint32Array; readonly site: Uint32Array }
  readonly labels: {
    readonly severity: Uint32Array
    readonly confidence: Uint32Array
    readonly class: Uint32Array
    readonly info: Uint32Array
    readonly reference: Uint32Array
  }
  readonly trails: { readonly indicator: Uint32Array; readonly kind: Uint32Array; readonly label: Uint32Array }
  /** Strings. */
  readonly sensors: Uint32Array
  readonly columns: RowColumns
}

/** Reads a chunk, unpacked. */
export function readChunk(bytes: Uint8Array): Chunk {
  if (bytes.length < HEADER_BYTES) throw new ChunkError('not a chunk of threats')
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES)
  if (view.getUint32(0, true) !== MAGIC) throw new ChunkError('not a chunk of threats')
  const version = view.getUint16(4, true)
  if (version !== VERSION) throw new ChunkError(`chunk of version ${version}, this page reads ${VERSION}: load the page again`)
  const cut = (view.getUint16(6, true) & CUT) !== 0
  const start = Number(view.getBigInt64(8, true))
  const [slots, rows, rank, all] = [16, 20, 24, 28].map((at) => view.getUint32(at, true)) as [number, number, number, number]
  if (slots < 1 || slots > MAX_SLOTS || rows > MAX_ROWS) throw new ChunkError('a chunk of impossible size')
  const columns = new Columns(bytes, HEADER_BYTES, rows * MAX_LISTED)
  const totals = readTotals(columns, slots)
  const strings = readStrings(columns)
  const texts = strings.ends.length
  const v4 = small(columns.take(4))
  const v6 = readV6(columns)
  const addresses = v4.length + v6.length / 4
  const address = small(columns.take(7), addresses)
  const hosts = { address, site: small(columns.take(8, address.length), texts) }
  const severity = small(columns.take(9), 3)
  const labels = {
    severity,
    confidence: small(columns.take(10, severity.length), 101),
    class: small(columns.take(11, severity.length), texts),
    info: small(columns.take(12, severity.length), texts),
    reference: small(columns.take(13, severity.length), texts),
  }
  const indicator = small(columns.take(14), texts)
  const trails = {
    indicator,
    kind: small(columns.take(15, indicator.length), KINDS.length),
    label: small(columns.take(16, indicator.length), severity.length),
  }
  const sensors = small(columns.take(17), texts)
  const sizes = { rows, slots, texts, addresses, hosts: address.length, trails: indicator.length, sensors: sensors.length }
  const read = readRows(columns, sizes)
  columns.end()
  return { start, slots, rows, rank, all, cut, totals, strings, v4, v6, hosts, labels, trails, sensors, columns: read }
}

function readTotals(columns: Columns, slots: number): Totals {
  const numbers = large(columns.take(1, 3 * slots + KINDS.length + 2))
  const kinds = 3 * slots + KINDS.length
  return {
    bySlot: numbers.slice(0, 3 * slots),
    byKind: numbers.slice(3 * slots, kinds),
    lines: numbers[kinds]!,
    outside: numbers[kinds + 1]!,
  }
}

function readStrings(columns: Columns): Chunk['strings'] {
  const ends = small(columns.take(2))
  const bytes = columns.take(3)
  if (bytes.width > 1) throw new ChunkError('column 3 is damaged')
  let end = 0
  for (let i = 0; i < ends.length; i++) {
    end += ends[i]!
    ends[i] = end
  }
  if (end !== bytes.bytes.length) throw new ChunkError('wrong length of column 3')
  return { bytes: bytes.bytes, ends }
}

function readV6(columns: Columns): Uint32Array {
  const upper = halves(columns.take(5))
  const lower = halves(columns.take(6, upper.low.length))
  const parts = [upper.high, upper.low, lower.high, lower.low]
  const v6 = new Uint32Array(4 * upper.low.length)
  for (let i = 0; i < v6.length; i++) v6[i] = parts[i & 3]![i >> 2]!
  return v6
}

interface Sizes {
  readonly rows: number
  readonly slots: number
  readonly texts: number
  readonly addresses: number
  readonly hosts: number
  readonly trails: number
  readonly sensors: number
}

function readRows(columns: Columns, sizes: Sizes): RowColumns {
  const { rows } = sizes
  const next = (tag: number, limit?: number): Uint32Array => small(columns.take(tag, rows), limit)
  const trail = next(20, sizes.trails)
  const host = next(21, sizes.hosts)
  const shown = next(22, sizes.texts + 1)
  const lines = next(23, 2 ** 32 - 1)
  for (let i = 0; i < rows; i++) lines[i]! += 1
  const count = large(columns.take(24, rows))
  for (let i = 0; i < rows; i++) count[i]! += lines[i]!
  const first = next(25, sizes.slots * 3600)
  const last = next(26)
  for (let i = 0; i < rows; i++) last[i]! += first[i]!
  const protocol = next(27, 256)
  const directions = next(28, 16)
  const evidence = next(29, 101)
  const reasons = next(30, 1 << 16)
  const slots = readSlots(columns, sizes, first)
  const destinations = readSet(columns, 34, rows, sizes.addresses)
  const ports = readSet(columns, 37, rows, 1 << 16)
  const sensors = readSet(columns, 40, rows, sizes.sensors)
  const which = small(columns.take(50), rows)
  const id = halves(columns.take(51, which.length))
  const ids = new Map<number, readonly [number, number]>()
  for (let i = 0; i < which.length; i++) ids.set(which[i]!, [id.low[i]!, id.high[i]!])
  return { trail, host, shown, lines, count, first, last, protocol, directions, evidence, reasons, slots, destinations, ports, sensors, ids }
}

function readSlots(columns: Columns, sizes: Sizes, first: Uint32Array): RowColumns['slots'] {
  const lengths = small(columns.take(31, sizes.rows), sizes.slots)
  const steps = small(columns.take(32))
  const counts = large(columns.take(33, steps.length))
  const slots = new Uint8Array(steps.length)
  let at = 0
  for (let row = 0; row < sizes.rows; row++) {
    let slot = Math.floor(first[row]! / 3600)
    for (const end = at + lengths[row]!; at < end; at++) {
      if (at >= steps.length) throw new ChunkError('wrong length of column 32')
      slot += steps[at]! + 1
      if (slot >= sizes.slots) throw new ChunkError('column 32 is damaged')
      slots[at] = slot
      counts[at]! += 1
    }
  }
  if (at !== steps.length) throw new ChunkError('wrong length of column 32')
  return { lengths, slots, counts }
}

function readSet(columns: Columns, tag: number, rows: number, limit: number): SetColumns {
  const lengths = small(columns.take(tag, rows), 256)
  const values = small(columns.take(tag + 1), limit)
  const more = small(columns.take(tag + 2, rows))
  let told = 0
  for (let row = 0; row < rows; row++) told += lengths[row]!
  if (told !== values.length) throw new ChunkError(`wrong length of column ${tag + 1}`)
  return { lengths, values, more }
}
