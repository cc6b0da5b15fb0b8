/**
 * Pairs of numbers below 2^32, each held once and named by the next free number. What tables are joined by: address and
 * site are a host, text and kind an indicator, host and indicator a threat.
 */

import { atLeast } from './grow'

const EMPTY = 0xffffffff

/** Mixes two numbers with a seed nobody outside knows: whoever makes the data cannot aim at one place. */
export function mixed(a: number, b: number, seed: number): number {
  let h = Math.imul(a ^ seed, 0x85ebca6b)
  h = Math.imul((h ^ (h >>> 15)) + b, 0xc2b2ae35)
  h ^= h >>> 13
  h = Math.imul(h, 0x27d4eb2f) ^ seed
  return (h ^ (h >>> 16)) >>> 0
}

export class Pairs {
  first: Uint32Array
  second: Uint32Array
  size = 0
  private places = new Uint32Array(0)

  constructor(
    private readonly seed: number,
    capacity = 16,
  ) {
    this.first = new Uint32Array(capacity)
    this.second = new Uint32Array(capacity)
  }

  /** The number of a pair, if it has one. */
  find(a: number, b: number): number | undefined {
    // Looking may replace the places.
    const place = this.place(a, b)
    const found = this.places[place]!
    return found === EMPTY ? undefined : found
  }

  /** The number of a pair. New ones get the next: compare with `size` before. */
  intern(a: number, b: number): number {
    const place = this.place(a, b)
    const found = this.places[place]!
    if (found !== EMPTY) return found
    const number = this.add(a, b)
    this.places[place] = number
    return number
  }

  /** Adds a pair that is known not to be there. It is only made findable when something is looked for. */
  push(a: number, b: number): number {
    if (this.places.length > 0) this.places = new Uint32Array(0)
    return this.add(a, b)
  }

  private add(a: number, b: number): number {
    const number = this.size++
    this.first = atLeast(this.first, this.size)
    this.second = atLeast(this.second, this.size)
    this.first[number] = a
    this.second[number] = b
    return number
  }

  /** Where a pair stands, or would stand. */
  private place(a: number, b: number): number {
    // At most two thirds full, also after one more.
    if (3 * (this.size + 1) > 2 * this.places.length) this.rehash()
    const { places, first, second } = this
    const mask = places.length - 1
    let at = mixed(a, b, this.seed) & mask
    for (;;) {
      const number = places[at]!
      if (number === EMPTY || (first[number] === a && second[number] === b)) return at
      at = (at + 1) & mask
    }
  }

  private rehash(): void {
    const { first, second, size, seed } = this
    const length = 2 ** Math.ceil(Math.log2(Math.max(16, 2 * (size + 1))))
    const places = new Uint32Array(length).fill(EMPTY)
    const mask = length - 1
    for (let number = 0; number < size; number++) {
      let at = mixed(first[number]!, second[number]!, seed) & mask
      while (places[at] !== EMPTY) at = (at + 1) & mask
      places[at] = number
    }
    this.places = places
  }
}
