/** Writes chunks as the server does, from plain rows: the other side of `read`, for tests. */

import { compareAddresses, parseAddress, type Address } from '../../model/address'
import { KINDS, type Kind } from '../../model/vocabulary'

/** A threat in plain words. */
export interface PlainThreat {
  readonly site: string
  readonly source: string
  readonly kind: Kind
  readonly indicator: string
  readonly label: { readonly severity: number; readonly confidence: number; readonly class: string; readonly info: string; readonly reference: string }
  readonly shown: string
  readonly lines: number
  readonly protocol: number
  readonly directions: number
  readonly score: number
  readonly reasons: number
  /** Seconds from the day's first. */
  readonly first: number
  readonly last: number
  /** Slots with their counts, ascending; the first is that of the first second. */
  readonly slots: readonly (readonly [slot: number, count: number])[]
  readonly destinations: { readonly values: readonly string[]; readonly more: number }
  readonly ports: { readonly values: readonly number[]; readonly more: number }
  readonly sensors: { readonly values: readonly string[]; readonly more: number }
  /** Where its id cannot be worked out. */
  readonly id?: readonly [low: number, high: number]
}

export interface PlainChunk {
  readonly start: number
  readonly slots: number
  readonly threats: readonly PlainThreat[]
}

const encoder = new TextEncoder()

/** Events of a threat. */
export function countOf(threat: PlainThreat): number {
  return threat.slots.reduce((sum, [, count]) => sum + count, 0)
}

class Writer {
  private readonly bytes: number[] = []

  number(value: number | bigint, width: number): void {
    for (let i = 0n; i < width; i++) this.bytes.push(Number((BigInt(value) >> (8n * i)) & 255n))
  }

  column(tag: number, values: readonly (number | bigint)[], delta = false): void {
    const wide = values.map(BigInt)
    const items = delta ? wide.map((value, i) => value - (i === 0 ? 0n : wide[i - 1]!)) : wide
    const width = Math.max(0, ...items.map((item) => Math.ceil(item.toString(2).replace(/^0$/, '').length / 8)))
    this.number(tag, 2)
    this.number(width, 1)
    this.number(delta ? 1 : 0, 1)
    this.number(items.length, 4)
    for (let plane = 0n; plane < width; plane++) for (const item of items) this.bytes.push(Number((item >> (8n * plane)) & 255n))
  }

  raw(tag: number, bytes: Uint8Array): void {
    this.number(tag, 2)
    this.number(1, 1)
    this.number(0, 1)
    this.number(bytes.length, 4)
    for (const byte of bytes) this.bytes.push(byte)
  }

  done(): Uint8Array {
    return Uint8Array.from(this.bytes)
  }
}

function byBytes(one: string, other: string): number {
  return Buffer.compare(encoder.encode(one), encoder.encode(other))
}

/** Different ones, in order. */
function ordered<T>(values: readonly T[], key: (value: T) => string, compare: (one: T, other: T) => number): T[] {
  return [...new Map(values.map((value) => [key(value), value])).values()].sort(compare)
}

const address = (text: string): Address => {
  const parsed = parseAddress(text)
  if (parsed === undefined) throw new Error(`no address: ${text}`)
  return parsed
}

/** Writes a chunk of all threats of a day. */
export function writeChunk({ start, slots, threats }: PlainChunk): Uint8Array {
  const texts = threats.flatMap(({ site, indicator, shown, label, sensors }) => [site, indicator, shown, label.class, label.info, label.reference, ...sensors.values])
  const strings = ordered(['', ...texts], String, byBytes)
  const string = new Map(strings.map((text, number) => [text, number]))
  const numberOf = (text: string): number => string.get(text)!
  const used = threats.flatMap(({ source, destinations }) => [source, ...destinations.values]).map(address)
  const addresses = ordered(used, String, compareAddresses)
  const addressNumber = new Map(addresses.map((each, number) => [String(each), number]))
  const addressOf = (text: string): number => addressNumber.get(String(address(text)))!
  const hosts = ordered(threats.map((each) => [addressOf(each.source), numberOf(each.site)] as const), String, (a, b) => b[0] - a[0] || a[1] - b[1])
  const labels = ordered(
    threats.map(({ label }) => [label.severity, label.confidence, numberOf(label.class), numberOf(label.info), numberOf(label.reference)] as const),
    String,
    (a, b) => byBytes(String(a), String(b)),
  )
  const place = (list: readonly (readonly number[])[]): Map<string, number> => new Map(list.map((each, number) => [String(each), number]))
  const [hostPlaces, labelPlaces] = [place(hosts), place(labels)]
  const labelOf = ({ label }: PlainThreat): number =>
    labelPlaces.get(String([label.severity, label.confidence, numberOf(label.class), numberOf(label.info), numberOf(label.reference)]))!
  const trailOf = (threat: PlainThreat): readonly number[] => [numberOf(threat.indicator), KINDS.indexOf(threat.kind), labelOf(threat)]
  const trails = ordered(threats.map(trailOf), String, (a, b) => a[0]! - b[0]! || a[1]! - b[1]! || a[2]! - b[2]!)
  const trailPlaces = place(trails)
  const sensors = ordered(threats.flatMap((threat) => threat.sensors.values.map(numberOf)), String, (a, b) => a - b)
  const hostOf = (threat: PlainThreat): number => hostPlaces.get(String([addressOf(threat.source), numberOf(threat.site)]))!
  const rows = threats
    .map((threat) => ({ threat, trail: trailPlaces.get(String(trailOf(threat)))!, host: hostOf(threat) }))
    .sort((a, b) => a.trail - b.trail || a.host - b.host)
  const column = (of: (threat: PlainThreat) => number): number[] => rows.map(({ threat }) => of(threat))
  const to = new Writer()
  to.number(0x3163746d, 4)
  to.number(1, 2)
  to.number(0, 2)
  to.number(start, 8)
  for (const number of [slots, rows.length, 0, rows.length]) to.number(number, 4)
  to.number(0, 8)
  to.column(1, totals(threats, slots))
  to.column(2, strings.map((text) => encoder.encode(text).length))
  to.raw(3, encoder.encode(strings.join('')))
  const v6 = addresses.filter((each) => each.length === 4)
  const half = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low)
  to.column(4, addresses.filter((each) => each.length === 1).map(([word]) => word), true)
  to.column(5, v6.map(([a, b]) => half(a, b)))
  to.column(6, v6.map(([, , c, d]) => half(c, d)))
  to.column(7, hosts.map((host) => host[0]))
  to.column(8, hosts.map((host) => host[1]))
  for (let part = 0; part < 5; part++) to.column(9 + part, labels.map((label) => label[part]!))
  to.column(14, trails.map((trail) => trail[0]!), true)
  to.column(15, trails.map((trail) => trail[1]!))
  to.column(16, trails.map((trail) => trail[2]!))
  to.column(17, sensors)
  to.column(20, rows.map(({ trail }) => trail), true)
  to.column(21, rows.map(({ host }) => host))
  to.column(22, column(({ shown, indicator }) => (shown === indicator ? 0 : numberOf(shown) + 1)))
  to.column(23, column(({ lines }) => lines - 1))
  to.column(24, column((threat) => countOf(threat) - threat.lines))
  to.column(25, column(({ first }) => first))
  to.column(26, column(({ first, last }) => last - first))
  to.column(27, column(({ protocol }) => protocol))
  to.column(28, column(({ directions }) => directions))
  to.column(29, column(({ score }) => score))
  to.column(30, column(({ reasons }) => reasons))
  to.column(31, column((threat) => threat.slots.length - 1))
  to.column(32, rows.flatMap(({ threat }) => threat.slots.slice(1).map(([slot], i) => slot - threat.slots[i]![0] - 1)))
  to.column(33, rows.flatMap(({ threat }) => threat.slots.slice(1).map(([, count]) => count - 1)))
  const set = (tag: number, values: (threat: PlainThreat) => readonly number[], more: (threat: PlainThreat) => number): void => {
    to.column(tag, column((threat) => values(threat).length))
    to.column(tag + 1, rows.flatMap(({ threat }) => values(threat)))
    to.column(tag + 2, column(more))
  }
  set(34, ({ destinations }) => destinations.values.map(addressOf), ({ destinations }) => destinations.more)
  set(37, ({ ports }) => ports.values, ({ ports }) => ports.more)
  set(40, (threat) => threat.sensors.values.map((text) => sensors.indexOf(numberOf(text))), (threat) => threat.sensors.more)
  const named = rows.flatMap(({ threat }, row) => (threat.id === undefined ? [] : [{ row, id: threat.id }]))
  to.column(50, named.map(({ row }) => row), true)
  to.column(51, named.map(({ id }) => half(id[1], id[0])))
  return to.done()
}

function totals(threats: readonly PlainThreat[], slots: number): number[] {
  const bySlot = new Array<number>(3 * slots).fill(0)
  const byKind = new Array<number>(KINDS.length).fill(0)
  for (const threat of threats) {
    for (const [slot, count] of threat.slots) bySlot[3 * slot + threat.label.severity]! += count
    byKind[KINDS.indexOf(threat.kind)]! += countOf(threat)
  }
  const lines = threats.reduce((sum, threat) => sum + threat.lines, 0)
  return [...bySlot, ...byKind, lines, 0]
}
