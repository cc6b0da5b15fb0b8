/** Ids of rows: worked out of what makes a threat, or brought by the chunk where that is cut. */

import { KINDS } from '../../model/vocabulary'
import { atLeast } from './grow'
import { hashId, type Hash } from './rapidhash'
import type { Threats } from './threats'

const encoder = new TextEncoder()
const KIND_BYTES = KINDS.map((kind) => encoder.encode(kind))

/** Sixteen hexadecimal digits. */
export function idText(low: number, high: number): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

/** Lower and upper half of an id. */
export function idHalves(text: string): [low: number, high: number] {
  return [parseInt(text.slice(8), 16), parseInt(text.slice(0, 8), 16)]
}

export class Ids {
  private low = new Uint32Array(0)
  private high = new Uint32Array(0)
  /** Rows whose ids are known: ids never change. */
  private known = 0
  private readonly bytes = new Uint8Array(1024)
  /** What was worked out last. */
  private readonly id: Hash = { low: 0, high: 0 }

  constructor(private readonly threats: Threats) {}

  of(row: number): string {
    this.work(row)
    return idText(this.id.low, this.id.high)
  }

  /** Rows of these ids, by id; those that are not there are left out. */
  rowsOf(ids: Iterable<string>): Map<string, number> {
    this.all()
    const wanted = new Map<number, string[]>()
    for (const id of ids) {
      const [low] = idHalves(id)
      wanted.set(low, [...(wanted.get(low) ?? []), id])
    }
    const found = new Map<string, number>()
    if (wanted.size === 0) return found
    for (let row = 0; row < this.known; row++) {
      const alike = wanted.get(this.low[row]!)
      const id = alike?.find((id) => idHalves(id)[1] === this.high[row])
      if (id !== undefined) found.set(id, row)
    }
    return found
  }

  /** Works out the ids of some rows ahead. Gives whether some are left: all of millions of rows are half a second's work. */
  ahead(rows: number): boolean {
    this.upTo(Math.min(this.threats.rows, this.known + rows))
    return this.known < this.threats.rows
  }

  private all(): void {
    this.upTo(this.threats.rows)
  }

  private upTo(end: number): void {
    const { rows } = this.threats
    if (this.known >= end) return
    if (this.low.length < rows) {
      this.low = atLeast(this.low, rows)
      this.high = atLeast(this.high, rows)
    }
    for (; this.known < end; this.known++) {
      this.work(this.known)
      this.low[this.known] = this.id.low
      this.high[this.known] = this.id.high
    }
  }

  private work(row: number): void {
    const { threats } = this
    const subject = threats.subject[row]!
    const kind = threats.subjects.second[subject]!
    if (kind >= 16) {
      const number = (kind >> 4) - 1
      this.id.low = threats.ids.first[number]!
      this.id.high = threats.ids.second[number]!
      return
    }
    const host = threats.host[row]!
    let at = this.text(0, threats.hosts.second[host]!)
    this.bytes[at++] = 0
    for (const word of threats.addresses.get(threats.hosts.first[host]!)) {
      for (let shift = 24; shift >= 0; shift -= 8) this.bytes[at++] = word >>> shift
    }
    this.bytes[at++] = 0
    for (const byte of KIND_BYTES[kind]!) this.bytes[at++] = byte
    this.bytes[at++] = 0
    at = this.text(at, threats.subjects.first[subject]!)
    hashId(this.bytes, at, this.id)
  }

  /** Writes a text; gives where it ends. Texts have 256 bytes at most, so there is room. */
  private text(at: number, text: number): number {
    const { texts } = this.threats
    const end = texts.ends[text]!
    let to = at
    for (let from = texts.start(text); from < end; from++) this.bytes[to++] = texts.bytes[from]!
    return to
  }
}
