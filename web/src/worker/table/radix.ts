/** Stable sorting of row numbers by numeric keys, least significant digit first: time grows with the rows alone. */

type Words = Uint32Array<ArrayBuffer>

const BITS = 11
const SIZE = 1 << BITS
const MASK = SIZE - 1

/** Sorts rows by `key[row]`; rows with equal keys stay in their order. May use the given array as scratch. */
export function sortByKey(rows: Words, key: Uint32Array, descending = false): Words {
  let [least, greatest] = [0xffffffff, 0]
  for (let i = 0; i < rows.length; i++) {
    const value = key[rows[i]!]!
    if (value < least) least = value
    if (value > greatest) greatest = value
  }
  // Counted from the first on: a day's seconds have half the digits of all seconds.
  const places = descending ? key.map((value) => greatest - value) : key.map((value) => value - least)
  let from = rows
  let to = new Uint32Array(rows.length)
  const starts = new Uint32Array(SIZE)
  for (let shift = 0; shift < 32 && (greatest - least) >>> shift > 0; shift += BITS) {
    starts.fill(0)
    for (let i = 0; i < from.length; i++) starts[(places[from[i]!]! >>> shift) & MASK]!++
    let sum = 0
    for (let digit = 0; digit < SIZE; digit++) {
      const count = starts[digit]!
      starts[digit] = sum
      sum += count
    }
    for (let i = 0; i < from.length; i++) {
      const row = from[i]!
      to[starts[(places[row]! >>> shift) & MASK]!++] = row
    }
    ;[from, to] = [to, from]
  }
  return from
}

/** So many times longer a list is searched, not walked along. */
const FEW = 32

/** Puts few into many: their places are searched, what lies between is copied. */
function insert(merged: Uint32Array, many: Uint32Array, few: Uint32Array, compare: (a: number, b: number) => number): Uint32Array {
  let [from, to] = [0, 0]
  for (const item of few) {
    let [low, high] = [from, many.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (compare(many[middle]!, item) <= 0) low = middle + 1
      else high = middle
    }
    merged.set(many.subarray(from, low), to)
    to += low - from
    merged[to++] = item
    from = low
  }
  merged.set(many.subarray(from), to)
  return merged
}

/** Merges two sorted lists. Of equal ones those of `a` come first. */
export function mergeSorted(a: Uint32Array, b: Uint32Array, compare: (a: number, b: number) => number): Uint32Array {
  if (a.length === 0) return b
  if (b.length === 0) return a
  const merged = new Uint32Array(a.length + b.length)
  if (compare(a[a.length - 1]!, b[0]!) <= 0) {
    merged.set(a)
    merged.set(b, a.length)
    return merged
  }
  if (b.length * FEW < a.length) return insert(merged, a, b, compare)
  let [i, j, to] = [0, 0, 0]
  while (i < a.length && j < b.length) merged[to++] = compare(a[i]!, b[j]!) <= 0 ? a[i++]! : b[j++]!
  merged.set(i < a.length ? a.subarray(i) : b.subarray(j), to)
  return merged
}
