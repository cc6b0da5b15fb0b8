/**
 * Texts, each held once as UTF-8 in one array and named by a number; 0 is the empty one. Millions of strings as objects
 * would take several times the room, and looking for a text in all of them goes over one array.
 */

import { atLeast } from './grow'
import { sortByKey } from './radix'

const EMPTY = 0xffffffff
const decoder = new TextDecoder()
const encoder = new TextEncoder()

export class Texts {
  bytes: Uint8Array<ArrayBuffer>
  /** Where each text ends; it begins where the one before ends. */
  ends: Uint32Array<ArrayBuffer>
  size = 0
  /** Numbers of texts that are not plain ASCII: they are compared as characters. */
  readonly foreign: number[] = []
  private hashes: Uint32Array<ArrayBuffer>
  private places: Uint32Array

  constructor(
    private readonly seed: number,
    capacity = 16,
  ) {
    this.bytes = new Uint8Array(16 * capacity)
    this.ends = new Uint32Array(capacity)
    this.hashes = new Uint32Array(capacity)
    this.places = new Uint32Array(2 ** Math.ceil(Math.log2(Math.max(16, 2 * capacity)))).fill(EMPTY)
    this.internBytes(this.bytes, 0, 0)
  }

  /** The text of a number. */
  get(number: number): string {
    return decoder.decode(this.bytes.subarray(this.start(number), this.ends[number]))
  }

  start(number: number): number {
    return number === 0 ? 0 : this.ends[number - 1]!
  }

  intern(text: string): number {
    const bytes = encoder.encode(text)
    return this.internBytes(bytes, 0, bytes.length)
  }

  /** The number of a text if it has one. */
  find(text: string): number | undefined {
    const bytes = encoder.encode(text)
    const number = this.places[this.place(bytes, 0, bytes.length, this.hash(bytes, 0, bytes.length))]!
    return number === EMPTY ? undefined : number
  }

  /** The number of the text `from[start..end]`. */
  internBytes(from: Uint8Array, start: number, end: number): number {
    if (3 * (this.size + 1) > 2 * this.places.length) this.rehash()
    const hash = this.hash(from, start, end)
    const place = this.place(from, start, end, hash)
    const found = this.places[place]!
    if (found !== EMPTY) return found
    const number = this.size++
    const at = this.start(number)
    this.bytes = atLeast(this.bytes, at + end - start)
    this.ends = atLeast(this.ends, this.size)
    this.hashes = atLeast(this.hashes, this.size)
    let seen = 0
    for (let i = start, to = at; i < end; i++, to++) {
      const byte = from[i]!
      this.bytes[to] = byte
      seen |= byte
    }
    this.ends[number] = at + end - start
    this.hashes[number] = hash
    this.places[place] = number
    if (seen >= 0x80) this.foreign.push(number)
    return number
  }

  /** Order of bytes: negative, 0, positive. */
  compare(one: number, other: number): number {
    if (one === other) return 0
    const { bytes } = this
    let [a, b] = [this.start(one), this.start(other)]
    const [endA, endB] = [this.ends[one]!, this.ends[other]!]
    while (a < endA && b < endB) {
      const difference = bytes[a++]! - bytes[b++]!
      if (difference !== 0) return difference
    }
    return endA - a - (endB - b)
  }

  /** Different ones of these numbers in the order of their bytes: by their first four, then by comparing. */
  sorted(numbers: Iterable<number>): Uint32Array {
    const unique = Uint32Array.from(new Set(numbers))
    const keys = new Uint32Array(this.size)
    for (const number of unique) keys[number] = this.beginning(number, 0)
    const further = new Uint32Array(this.size)
    for (const number of unique) further[number] = this.beginning(number, 4)
    const order = sortByKey(sortByKey(unique, further), keys)
    // What begins alike stands together now: only these are compared.
    let start = 0
    for (let end = 1; end <= order.length; end++) {
      const one = order[start]!
      const next = order[end]
      if (next !== undefined && keys[next] === keys[one] && further[next] === further[one]) continue
      if (end - start > 1) order.subarray(start, end).sort((a, b) => this.compare(a, b))
      start = end
    }
    return order
  }

  /** Four bytes of a text as a number that stands in their order. */
  private beginning(number: number, offset: number): number {
    const start = this.start(number) + offset
    const end = this.ends[number]!
    let key = 0
    for (let i = 0; i < 4; i++) key = key * 256 + (start + i < end ? this.bytes[start + i]! : 0)
    return key
  }

  private hash(bytes: Uint8Array, start: number, end: number): number {
    let h = this.seed ^ (end - start)
    let i = start
    for (; i + 4 <= end; i += 4) {
      const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
      h = Math.imul(h ^ Math.imul(word, 0xcc9e2d51), 0x1b873593)
      h ^= h >>> 15
    }
    for (; i < end; i++) h = Math.imul(h ^ bytes[i]!, 0x01000193)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0
  }

  private place(from: Uint8Array, start: number, end: number, hash: number): number {
    const mask = this.places.length - 1
    let at = hash & mask
    for (;;) {
      const number = this.places[at]!
      if (number === EMPTY || (this.hashes[number] === hash && this.is(number, from, start, end))) return at
      at = (at + 1) & mask
    }
  }

  private is(number: number, from: Uint8Array, start: number, end: number): boolean {
    const { bytes } = this
    const own = this.start(number)
    if (this.ends[number]! - own !== end - start) return false
    for (let i = start, at = own; i < end; i++, at++) if (bytes[at] !== from[i]) return false
    return true
  }

  private rehash(): void {
    const places = new Uint32Array(2 * this.places.length).fill(EMPTY)
    const mask = places.length - 1
    for (let number = 0; number < this.size; number++) {
      let at = this.hashes[number]! & mask
      while (places[at] !== EMPTY) at = (at + 1) & mask
      places[at] = number
    }
    this.places = places
  }
}
