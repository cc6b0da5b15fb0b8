/** Rows in the order that is asked for. Where rows are equal, rank decides. */

import type { Sort, SortKey } from '../../model/threat'
import { sortByKey } from '../table/radix'
import type { Threats } from '../table/threats'

/** Orders of a table, kept until it changes. */
export class Orders {
  private generation = -1
  private ranked: Uint32Array = new Uint32Array(0)
  /** The one that was asked for last. */
  private last: { readonly sort: Sort; readonly order: Uint32Array } | undefined

  constructor(private readonly threats: Threats) {}

  /** All rows in an order. By rank what matters most comes first; keys ascend. Rows that are equal stand by rank. */
  by(sort: Sort): Uint32Array {
    if (this.generation !== this.threats.generation) {
      this.ranked = this.threats.ranked()
      this.last = undefined
      this.generation = this.threats.generation
    }
    if (this.last?.sort.by === sort.by && this.last.sort.descending === sort.descending) return this.last.order
    const order = this.sorted(sort)
    this.last = { sort, order }
    return order
  }

  private sorted({ by, descending }: Sort): Uint32Array {
    const keys = this.keys(by)
    if (keys === undefined) return descending ? this.ranked.toReversed() : this.ranked
    return sortByKey(Uint32Array.from(this.ranked), keys, descending)
  }

  /** A number for each row that puts it in its place. */
  private keys(key: SortKey): Uint32Array | undefined {
    const { threats } = this
    const { labels, subjects, hosts } = threats
    switch (key) {
      case 'first':
        return this.rows((row) => threats.first[row]!)
      case 'last':
        return this.rows((row) => threats.last[row]!)
      case 'score':
        return this.rows((row) => threats.score[row]!)
      case 'severity':
        return this.rows((row) => threats.severity(row))
      case 'count':
        return this.rows((row) => Math.min(threats.count[row]!, 0xffffffff))
      case 'kind':
        return this.rows((row) => subjects.second[threats.subject[row]!]! & 15)
      case 'indicator': {
        const places = this.textPlaces(subjects.first.subarray(0, subjects.size))
        return this.rows((row) => places[subjects.first[threats.subject[row]!]!]!)
      }
      case 'family': {
        const places = this.textPlaces(labels.all.map((label) => label.family))
        return this.rows((row) => places[labels.all[threats.label[row]!]!.family]!)
      }
      case 'source': {
        const places = this.addressPlaces()
        return this.rows((row) => places[hosts.first[threats.host[row]!]!]!)
      }
      default:
        return undefined
    }
  }

  private rows(of: (row: number) => number): Uint32Array {
    const keys = new Uint32Array(this.threats.rows)
    for (let row = 0; row < keys.length; row++) keys[row] = of(row)
    return keys
  }

  /** Places of texts in the order of bytes. */
  private textPlaces(used: Iterable<number>): Uint32Array {
    const { texts } = this.threats
    const order = texts.sorted(used)
    const places = new Uint32Array(texts.size)
    for (let place = 0; place < order.length; place++) places[order[place]!] = place
    return places
  }

  /** Places of the addresses of sources. */
  private addressPlaces(): Uint32Array {
    const { addresses, hosts } = this.threats
    const used = [...new Set(hosts.first.subarray(0, hosts.size))]
    const places = new Uint32Array(addresses.limit)
    used.sort((a, b) => addresses.compare(a, b)).forEach((address, place) => (places[address] = place))
    return places
  }
}
