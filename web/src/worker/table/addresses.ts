/**
 * Addresses, each held once and named by a number: even numbers are IPv4, odd ones IPv6. IPv6 addresses are pairs of
 * pairs of their four 32-bit parts.
 */

import { compareAddresses, type Address } from '../../model/address'
import { Pairs } from './pairs'

export class Addresses {
  readonly v4: Pairs
  private readonly upper: Pairs
  private readonly lower: Pairs
  private readonly v6: Pairs

  constructor(seed: number, capacity = 16) {
    this.v4 = new Pairs(seed, capacity)
    this.upper = new Pairs(seed)
    this.lower = new Pairs(seed)
    this.v6 = new Pairs(seed)
  }

  internV4(value: number): number {
    return 2 * this.v4.intern(value, 0)
  }

  internV6(a: number, b: number, c: number, d: number): number {
    return 2 * this.v6.intern(this.upper.intern(a, b), this.lower.intern(c, d)) + 1
  }

  intern(address: Address): number {
    return address.length === 1 ? this.internV4(address[0]) : this.internV6(...address)
  }

  get(number: number): Address {
    const at = number >>> 1
    if ((number & 1) === 0) return [this.v4.first[at]!]
    const { upper, lower, v6 } = this
    const [u, l] = [v6.first[at]!, v6.second[at]!]
    return [upper.first[u]!, upper.second[u]!, lower.first[l]!, lower.second[l]!]
  }

  /** Negative, 0, positive; IPv4 before IPv6. */
  compare(one: number, other: number): number {
    return compareAddresses(this.get(one), this.get(other))
  }

  /** Numbers are below this. */
  get limit(): number {
    return 2 * Math.max(this.v4.size, this.v6.size)
  }

  /** Whether there is an address of this number: of the two families one may have fewer. */
  has(number: number): boolean {
    return number >>> 1 < ((number & 1) === 0 ? this.v4.size : this.v6.size)
  }
}
