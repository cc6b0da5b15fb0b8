/**
 * Threats of the days that are open, as columns. Chunks are added one after another; a threat that is in several (parts
 * of a day, several days, what arrives while the page is open) is one row, merged as the server merges.
 *
 * A row is a number. Its columns are only read through this table after something was added: they move when they grow.
 */

import { RETRO_SENSOR } from '../../model/vocabulary'
import type { Chunk, SetColumns } from '../chunk/read'
import { Addresses } from './addresses'
import { evidence } from './evidence'
import { atLeast } from './grow'
import { Labels } from './labels'
import { Pairs } from './pairs'
import { mergeSorted, sortByKey } from './radix'
import { Texts } from './texts'

/** Rows of all open days together. More are refused and told: a browser has no room for them. */
export const MAX_ROWS = 16 << 20
/** Values of a set that are kept of a merged row. */
export const MAX_TOLD = 15

export const SETS = ['destinations', 'ports', 'sensors'] as const
export type SetName = (typeof SETS)[number]

/** A day that is open; its slot n is slot `base + n` of the table. */
export interface DaySlots {
  readonly start: number
  readonly slots: number
  readonly base: number
}

/** Part of a threat that is to be added to it. Numbers are the table's. */
export interface Addition {
  readonly host: number
  readonly subject: number
  readonly label: number
  /** Text + 1; 0: as the indicator. */
  readonly shown: number
  readonly lines: number
  readonly count: number
  /** Seconds, Unix time. */
  readonly first: number
  readonly last: number
  readonly protocol: number
  readonly directions: number
  readonly slots: ReadonlyMap<number, number>
  readonly sets: readonly [SetValues, SetValues, SetValues]
}

/** What is told of a set, and how many more there are. */
export interface SetValues {
  readonly values: readonly number[]
  readonly more: number
}

/** Numbers of a chunk's dictionaries in the table. */
interface Mapping {
  readonly texts: Uint32Array
  readonly addresses: Uint32Array
  readonly hosts: Uint32Array
  readonly labels: Uint32Array
  readonly subjects: Uint32Array
  readonly sensors: Uint32Array
}

export class Threats {
  readonly texts: Texts
  readonly addresses: Addresses
  /** Address and site. */
  readonly hosts: Pairs
  readonly labels: Labels
  /** Text of the indicator; kind + 16 × number of the id where it cannot be worked out, plus 1. */
  readonly subjects: Pairs
  /** Host and subject: what makes a threat. */
  readonly keys: Pairs
  /** Ids that cannot be worked out, lower and upper half. */
  readonly ids: Pairs
  readonly days: DaySlots[] = []

  label: Uint32Array
  shown: Uint32Array
  lines: Uint32Array
  count: Float64Array
  first: Uint32Array
  last: Uint32Array
  protocol: Uint8Array
  directions: Uint8Array
  score: Uint8Array
  reasons: Uint16Array
  /** The slot in which the events are that are in no other. */
  slot: Uint16Array
  /** Further slots with events: where their numbers and counts begin, and how many. */
  slotAt: Uint32Array
  slotLength: Uint16Array
  slotNumbers = new Uint16Array(0)
  slotCounts = new Float64Array(0)
  /** Values of the three sets, one behind the other: where they begin, and how many of each (4 bits). */
  setAt: Uint32Array
  setLength: Uint16Array
  setValues = new Uint32Array(0)
  /** By 4 × row + set: how many more there are. Most rows have none. */
  readonly more = new Map<number, number>()
  /** Rises with every change. */
  generation = 0
  /** Rows that there was no room for. */
  refused = 0

  private slotsUsed = 0
  private valuesUsed = 0
  /** Rows in order of rank, in sorted runs; and those whose place changed since. */
  private runs: Uint32Array[] = []
  private readonly changed = new Set<number>()
  private readonly limit: number

  constructor(seed: number, capacity = 1024, limit = MAX_ROWS) {
    this.limit = limit
    this.texts = new Texts(seed, capacity >> 2)
    this.addresses = new Addresses(seed, capacity >> 2)
    this.hosts = new Pairs(seed)
    this.labels = new Labels(this.texts)
    this.subjects = new Pairs(seed, capacity >> 2)
    this.keys = new Pairs(seed, capacity)
    this.ids = new Pairs(seed)
    const words = (): Uint32Array => new Uint32Array(capacity)
    this.label = words()
    this.shown = words()
    this.lines = words()
    this.count = new Float64Array(capacity)
    this.first = words()
    this.last = words()
    this.protocol = new Uint8Array(capacity)
    this.directions = new Uint8Array(capacity)
    this.score = new Uint8Array(capacity)
    this.reasons = new Uint16Array(capacity)
    this.slot = new Uint16Array(capacity)
    this.slotAt = words()
    this.slotLength = new Uint16Array(capacity)
    this.setAt = words()
    this.setLength = new Uint16Array(capacity)
  }

  get rows(): number {
    return this.keys.size
  }

  /** Host of a row. */
  get host(): Uint32Array {
    return this.keys.first
  }

  /** Subject of a row. */
  get subject(): Uint32Array {
    return this.keys.second
  }

  /** Severity of a row: 0 low, 1 medium, 2 high. */
  severity(row: number): number {
    return this.labels.all[this.label[row]!]!.severity
  }

  /** The day that begins at this second; told anew where it was not known. */
  day(start: number, slots: number): DaySlots {
    const known = this.days.find((day) => day.start === start)
    if (known !== undefined) return known
    const before = this.days.at(-1)
    const day = { start, slots, base: before === undefined ? 0 : before.base + before.slots }
    this.days.push(day)
    return day
  }

  /** First second of a slot. */
  slotStart(slot: number): number {
    const day = this.days.findLast((known) => known.base <= slot)
    return day === undefined ? 0 : day.start + 3600 * (slot - day.base)
  }

  /** Slots of a row, ascending, with their counts. */
  slotsOf(row: number): [slot: number, count: number][] {
    const { slotNumbers, slotCounts } = this
    const found: [number, number][] = []
    let left = this.count[row]!
    const at = this.slotAt[row]!
    for (let i = at; i < at + this.slotLength[row]!; i++) {
      found.push([slotNumbers[i]!, slotCounts[i]!])
      left -= slotCounts[i]!
    }
    found.push([this.slot[row]!, left])
    return found.sort((a, b) => a[0] - b[0])
  }

  /** Values of a set that are told, and how many more there are. */
  set(row: number, name: SetName): SetValues {
    const which = SETS.indexOf(name)
    const lengths = this.setLength[row]!
    let at = this.setAt[row]!
    for (let before = 0; before < which; before++) at += (lengths >> (4 * before)) & 15
    const values = [...this.setValues.subarray(at, at + ((lengths >> (4 * which)) & 15))]
    return { values, more: this.more.get(4 * row + which) ?? 0 }
  }

  /** Adds a chunk. `fresh`: none of its threats is in the table yet, which spares looking. */
  append(chunk: Chunk, fresh: boolean): void {
    this.generation++
    const mapping = this.map(chunk)
    const day = this.day(chunk.start, chunk.slots)
    const { columns } = chunk
    const added = new Uint32Array(chunk.rows)
    const keys = new Keys(chunk, mapping.hosts)
    let count = 0
    const cursor = { slots: 0, destinations: 0, ports: 0, sensors: 0 }
    for (let at = 0; at < chunk.rows; at++) {
      const host = mapping.hosts[columns.host[at]!]!
      const subject = this.subjectOf(chunk, mapping, at)
      const known = fresh ? undefined : this.keys.find(host, subject)
      if (known === undefined && this.rows < this.limit) {
        const row = fresh ? this.keys.push(host, subject) : this.keys.intern(host, subject)
        this.fill(row, at, { chunk, mapping, day, cursor })
        keys.place(row, at)
        added[count++] = row
      } else if (known === undefined) {
        this.refused++
      } else {
        this.merge(known, this.addition(at, { chunk, mapping, day, cursor }))
      }
      cursor.slots += columns.slots.lengths[at]!
      for (const name of SETS) cursor[name] += columns[name].lengths[at]!
    }
    if (count > 0) this.runs.push(keys.sort(added.subarray(0, count)))
  }

  /** Adds to a threat, or makes it. Gives its row, if there is room. */
  add(addition: Addition): number | undefined {
    this.generation++
    const known = this.keys.find(addition.host, addition.subject)
    if (known !== undefined) {
      this.merge(known, addition)
      return known
    }
    if (this.rows >= this.limit) {
      this.refused++
      return undefined
    }
    const row = this.keys.intern(addition.host, addition.subject)
    this.ensure(row + 1)
    this.label[row] = addition.label
    this.shown[row] = addition.shown
    this.write(row, addition)
    this.changed.add(row)
    return row
  }

  /** Rows by rank: severity, evidence, count; then indicator and source, so that what is alike stands together. */
  ranked(): Uint32Array {
    const compare = (a: number, b: number): number => this.compareRank(a, b)
    if (this.changed.size > 0) {
      const gone = new Uint8Array(this.rows)
      for (const row of this.changed) gone[row] = 1
      const kept = this.runs.map((run) => run.filter((row) => gone[row] === 0))
      this.runs = [...kept, Uint32Array.from(this.changed).sort(compare)]
      this.changed.clear()
    }
    while (this.runs.length > 1) {
      const merged: Uint32Array[] = []
      for (let i = 0; i < this.runs.length; i += 2) {
        merged.push(mergeSorted(this.runs[i]!, this.runs[i + 1] ?? new Uint32Array(0), compare))
      }
      this.runs = merged
    }
    return this.runs[0] ?? new Uint32Array(0)
  }

  private compareRank(a: number, b: number): number {
    return (
      this.severity(b) - this.severity(a) ||
      this.score[b]! - this.score[a]! ||
      ranking(this.count[b]!) - ranking(this.count[a]!) ||
      this.texts.compare(this.subjects.first[this.subject[a]!]!, this.subjects.first[this.subject[b]!]!) ||
      this.addresses.compare(this.addressOf(a), this.addressOf(b)) ||
      this.texts.compare(this.hosts.second[this.host[a]!]!, this.hosts.second[this.host[b]!]!) ||
      this.subjects.second[this.subject[a]!]! - this.subjects.second[this.subject[b]!]! ||
      a - b
    )
  }

  private addressOf(row: number): number {
    return this.hosts.first[this.host[row]!]!
  }

  private map(chunk: Chunk): Mapping {
    const { strings, v4, v6 } = chunk
    const texts = new Uint32Array(strings.ends.length)
    for (let i = 0; i < texts.length; i++) {
      texts[i] = this.texts.internBytes(strings.bytes, i === 0 ? 0 : strings.ends[i - 1]!, strings.ends[i]!)
    }
    const addresses = new Uint32Array(v4.length + v6.length / 4)
    for (let i = 0; i < v4.length; i++) addresses[i] = this.addresses.internV4(v4[i]!)
    for (let i = 0; 4 * i < v6.length; i++) {
      const at = 4 * i
      addresses[v4.length + i] = this.addresses.internV6(v6[at]!, v6[at + 1]!, v6[at + 2]!, v6[at + 3]!)
    }
    const { trails } = chunk
    return {
      texts,
      addresses,
      hosts: chunk.hosts.address.map((address, at) => this.hosts.intern(addresses[address]!, texts[chunk.hosts.site[at]!]!)),
      labels: this.labels.ofChunk(chunk, texts),
      subjects: trails.indicator.map((text, at) => this.subjects.intern(texts[text]!, trails.kind[at]!)),
      sensors: chunk.sensors.map((text) => texts[text]!),
    }
  }

  /** The subject with an id of its own where its indicator is not all of it. */
  subjectWithId(indicator: number, kind: number, id: readonly [low: number, high: number]): number {
    return this.subjects.intern(indicator, kind + 16 * (1 + this.ids.intern(...id)))
  }

  private subjectOf(chunk: Chunk, mapping: Mapping, at: number): number {
    const trail = chunk.columns.trail[at]!
    const id = chunk.columns.ids.get(at)
    if (id === undefined) return mapping.subjects[trail]!
    return this.subjectWithId(mapping.texts[chunk.trails.indicator[trail]!]!, chunk.trails.kind[trail]!, id)
  }

  /** Columns of a new row, straight from a chunk. */
  private fill(row: number, at: number, from: From): void {
    const { columns, trails } = from.chunk
    const { mapping, day, cursor } = from
    this.ensure(row + 1)
    const shown = columns.shown[at]!
    this.label[row] = mapping.labels[trails.label[columns.trail[at]!]!]!
    this.shown[row] = shown === 0 ? 0 : mapping.texts[shown - 1]! + 1
    this.lines[row] = columns.lines[at]!
    this.count[row] = columns.count[at]!
    this.first[row] = day.start + columns.first[at]!
    this.last[row] = day.start + columns.last[at]!
    this.protocol[row] = columns.protocol[at]!
    this.directions[row] = columns.directions[at]!
    this.score[row] = columns.evidence[at]!
    this.reasons[row] = columns.reasons[at]!
    this.slot[row] = day.base + Math.floor(columns.first[at]! / 3600)
    this.slotAt[row] = this.slotsUsed
    const slots = columns.slots.lengths[at]!
    this.slotLength[row] = slots
    this.ensureSlots(slots)
    for (let i = cursor.slots; i < cursor.slots + slots; i++) {
      this.slotNumbers[this.slotsUsed] = day.base + columns.slots.slots[i]!
      this.slotCounts[this.slotsUsed++] = columns.slots.counts[i]!
    }
    this.setAt[row] = this.valuesUsed
    let lengths = 0
    for (let which = 0; which < SETS.length; which++) {
      const name = SETS[which]!
      lengths |= this.fillSet(4 * row + which, columns[name], at, cursor[name], namesOf(mapping, name)) << (4 * which)
    }
    this.setLength[row] = lengths
  }

  /** Values of one set of a new row. Gives how many. */
  private fillSet(key: number, set: SetColumns, at: number, start: number, names: Uint32Array | undefined): number {
    const told = set.lengths[at]!
    const kept = Math.min(told, MAX_TOLD)
    this.setValues = atLeast(this.setValues, this.valuesUsed + kept)
    for (let i = start; i < start + kept; i++) {
      const value = set.values[i]!
      this.setValues[this.valuesUsed++] = names === undefined ? value : names[value]!
    }
    const more = set.more[at]! + told - kept
    if (more > 0) this.more.set(key, more)
    return kept
  }

  private addition(at: number, { chunk, mapping, day, cursor }: From): Addition {
    const { columns } = chunk
    const trail = columns.trail[at]!
    const slots = new Map<number, number>()
    let left = columns.count[at]!
    for (let i = cursor.slots; i < cursor.slots + columns.slots.lengths[at]!; i++) {
      slots.set(day.base + columns.slots.slots[i]!, columns.slots.counts[i]!)
      left -= columns.slots.counts[i]!
    }
    slots.set(day.base + Math.floor(columns.first[at]! / 3600), left)
    const set = (name: SetName): SetValues => {
      const names = namesOf(mapping, name)
      const told = columns[name].values.subarray(cursor[name], cursor[name] + columns[name].lengths[at]!)
      return { values: Array.from(told, (value) => (names === undefined ? value : names[value]!)), more: columns[name].more[at]! }
    }
    const shown = columns.shown[at]!
    return {
      host: mapping.hosts[columns.host[at]!]!,
      subject: this.subjectOf(chunk, mapping, at),
      label: mapping.labels[chunk.trails.label[trail]!]!,
      shown: shown === 0 ? 0 : mapping.texts[shown - 1]! + 1,
      lines: columns.lines[at]!,
      count: columns.count[at]!,
      first: day.start + columns.first[at]!,
      last: day.start + columns.last[at]!,
      protocol: columns.protocol[at]!,
      directions: columns.directions[at]!,
      slots,
      sets: [set('destinations'), set('ports'), set('sensors')],
    }
  }

  /** Joins what is added into a row that is there. Every step gives the same whatever comes first. */
  private merge(row: number, addition: Addition): void {
    if (this.label[row] !== addition.label && this.labels.prevails(addition.label, this.label[row]!)) {
      this.label[row] = addition.label
    }
    this.shown[row] = this.firstShown(row, addition)
    const slots = new Map(this.slotsOf(row))
    for (const [slot, count] of addition.slots) slots.set(slot, (slots.get(slot) ?? 0) + count)
    const joined = (which: number): SetValues => join(this.set(row, SETS[which]!), addition.sets[which]!)
    this.write(row, {
      ...addition,
      lines: this.lines[row]! + addition.lines,
      count: this.count[row]! + addition.count,
      first: Math.min(this.first[row]!, addition.first),
      last: Math.max(this.last[row]!, addition.last),
      protocol: Math.min(this.protocol[row]!, addition.protocol),
      directions: this.directions[row]! | addition.directions,
      slots,
      sets: [joined(0), joined(1), joined(2)],
    })
    this.changed.add(row)
  }

  /** Of two texts that were seen the first in order of bytes. */
  private firstShown(row: number, addition: Addition): number {
    const indicator = this.subjects.first[this.subject[row]!]!
    const text = (shown: number): number => (shown === 0 ? indicator : shown - 1)
    const [mine, theirs] = [text(this.shown[row]!), text(addition.shown)]
    const better = theirs !== 0 && (mine === 0 || this.texts.compare(theirs, mine) < 0)
    return better ? addition.shown : this.shown[row]!
  }

  /** Writes everything but key, label and shown text, and judges the row anew. */
  private write(row: number, values: Addition): void {
    this.lines[row] = values.lines
    this.count[row] = values.count
    this.first[row] = values.first
    this.last[row] = values.last
    this.protocol[row] = values.protocol
    this.directions[row] = values.directions
    const slots = [...values.slots].filter(([, count]) => count > 0).sort((a, b) => a[0] - b[0])
    this.writeSlots(row, slots)
    this.writeSets(row, values.sets)
    const [destinations, ports, sensors] = values.sets.map((set) => set.values.length + set.more) as [number, number, number]
    const told = this.texts.find(RETRO_SENSOR)
    const retro = told !== undefined && values.sets[2].values.includes(told)
    const isPort = (this.subjects.second[this.subject[row]!]! & 15) === 7
    const facts = { directions: values.directions, count: values.count, slots, destinations, ports, sensors, retro, isPort }
    const { score, reasons } = evidence(this.labels.all[this.label[row]!]!, facts)
    this.score[row] = score
    this.reasons[row] = reasons
  }

  private writeSlots(row: number, slots: (readonly [number, number])[]): void {
    const [first, ...further] = slots
    this.slot[row] = first?.[0] ?? 0
    if (further.length > this.slotLength[row]!) {
      this.slotAt[row] = this.slotsUsed
      this.ensureSlots(further.length)
      this.slotsUsed += further.length
    }
    this.slotLength[row] = further.length
    const at = this.slotAt[row]!
    for (const [i, [slot, count]] of further.entries()) {
      this.slotNumbers[at + i] = slot
      this.slotCounts[at + i] = count
    }
  }

  private writeSets(row: number, sets: Addition['sets']): void {
    const room = (lengths: number): number => (lengths & 15) + ((lengths >> 4) & 15) + ((lengths >> 8) & 15)
    const lengths = sets.reduce((all, set, which) => all | (set.values.length << (4 * which)), 0)
    if (room(lengths) > room(this.setLength[row]!)) {
      this.setAt[row] = this.valuesUsed
      this.valuesUsed += room(lengths)
      this.setValues = atLeast(this.setValues, this.valuesUsed)
    }
    this.setLength[row] = lengths
    let at = this.setAt[row]!
    for (const [which, set] of sets.entries()) {
      for (const value of set.values) this.setValues[at++] = value
      if (set.more > 0) this.more.set(4 * row + which, set.more)
      else this.more.delete(4 * row + which)
    }
  }

  private ensureSlots(more: number): void {
    this.slotNumbers = atLeast(this.slotNumbers, this.slotsUsed + more)
    this.slotCounts = atLeast(this.slotCounts, this.slotsUsed + more)
  }

  private ensure(rows: number): void {
    if (this.label.length >= rows) return
    this.label = atLeast(this.label, rows)
    this.shown = atLeast(this.shown, rows)
    this.lines = atLeast(this.lines, rows)
    this.count = atLeast(this.count, rows)
    this.first = atLeast(this.first, rows)
    this.last = atLeast(this.last, rows)
    this.protocol = atLeast(this.protocol, rows)
    this.directions = atLeast(this.directions, rows)
    this.score = atLeast(this.score, rows)
    this.reasons = atLeast(this.reasons, rows)
    this.slot = atLeast(this.slot, rows)
    this.slotAt = atLeast(this.slotAt, rows)
    this.slotLength = atLeast(this.slotLength, rows)
    this.setAt = atLeast(this.setAt, rows)
    this.setLength = atLeast(this.setLength, rows)
  }
}

/** Counts rank as the server ranks them: what is greater counts as this. */
function ranking(count: number): number {
  return Math.min(count, 0xffffffff)
}

/** A chunk being added: where in its lists the row at hand begins. */
interface From {
  readonly chunk: Chunk
  readonly mapping: Mapping
  readonly day: DaySlots
  readonly cursor: { slots: number } & Record<SetName, number>
}

/** How values of a set are to be read; ports are what they are. */
function namesOf(mapping: Mapping, name: SetName): Uint32Array | undefined {
  if (name === 'ports') return undefined
  return name === 'destinations' ? mapping.addresses : mapping.sensors
}

/** Both sets together. How many there are in all is exact while all are told, else at least as many as either says. */
function join(one: SetValues, other: SetValues): SetValues {
  const union = [...new Set([...one.values, ...other.values])]
  const values = union.slice(0, MAX_TOLD)
  const most = Math.max(one.values.length + one.more, other.values.length + other.more, union.length)
  return { values, more: most - values.length }
}

/** Keys by which the new rows of a chunk are put in order of rank; the chunk's own numbers stand in the order of texts. */
class Keys {
  private readonly keys: [source: Uint32Array, trail: Uint32Array, count: Uint32Array, worth: Uint32Array]
  private readonly places: Uint32Array
  private base = -1

  constructor(
    private readonly chunk: Chunk,
    hosts: Uint32Array,
  ) {
    const words = (): Uint32Array => new Uint32Array(chunk.rows)
    this.keys = [words(), words(), words(), words()]
    // Addresses and texts of a chunk stand in their order, so their numbers give the order of hosts.
    const { address, site } = chunk.hosts
    const order = Uint32Array.from(hosts.keys()).sort((a, b) => address[a]! - address[b]! || site[a]! - site[b]!)
    this.places = new Uint32Array(order.length)
    order.forEach((host, place) => (this.places[host] = place))
  }

  /** Tells which row the chunk's row is. */
  place(row: number, at: number): void {
    const { columns, trails, labels } = this.chunk
    if (this.base < 0) this.base = row
    const to = row - this.base
    const [source, trail, count, worth] = this.keys
    const severity = labels.severity[trails.label[columns.trail[at]!]!]!
    source[to] = this.places[columns.host[at]!]!
    trail[to] = trails.indicator[columns.trail[at]!]!
    count[to] = 0xffffffff - ranking(columns.count[at]!)
    worth[to] = (2 - severity) * 128 + (127 - columns.evidence[at]!)
  }

  sort(rows: Uint32Array): Uint32Array {
    let order = Uint32Array.from(rows, (row) => row - this.base)
    for (const key of this.keys) order = sortByKey(order, key)
    return order.map((at) => at + this.base)
  }
}
