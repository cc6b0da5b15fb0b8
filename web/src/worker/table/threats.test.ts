import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareAddresses, parseAddress } from '../../model/address'
import type { Threat } from '../../model/threat'
import { KINDS, RETRO_SENSOR } from '../../model/vocabulary'
import { chunk, keyOf, SLOTS, START, threat } from '../chunk/made.testing'
import { readChunk } from '../chunk/read'
import { countOf, writeChunk, type PlainThreat } from '../chunk/write.testing'
import { View } from '../query/view'
import { idHalves, Ids } from './ids'
import { evidence, labelEvidence } from './evidence'
import { Threats } from './threats'
import { TriageRows } from './triage'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const byBytes = (a: string, b: string): number => Buffer.compare(bytes(a), bytes(b))

/** A table of these chunks, as they come one after another. */
function tableOf(chunks: readonly (readonly PlainThreat[])[]): Threats {
  const threats = new Threats(3)
  for (const [at, each] of chunks.entries()) threats.append(readChunk(writeChunk({ start: START, slots: SLOTS, threats: each })), at === 0)
  return threats
}

function shown(threats: Threats, rows: Iterable<number>): Threat[] {
  const view = new View(threats, new TriageRows(new Ids(threats), () => threats.generation))
  return Array.from(rows, (row) => view.threat(row))
}

/** Of two labels the one that stands. */
function better(one: PlainThreat['label'], other: PlainThreat['label']): PlainThreat['label'] {
  const order = one.severity - other.severity || one.confidence - other.confidence
  if (order !== 0) return order > 0 ? one : other
  for (const part of ['class', 'info', 'reference'] as const) {
    if (one[part] === other[part]) continue
    if (one[part] === '' || other[part] === '') return one[part] === '' ? other : one
    return byBytes(one[part], other[part]) < 0 ? one : other
  }
  return one
}

/** Two parts of a threat as one: the plain version. */
function merged(one: PlainThreat, other: PlainThreat): PlainThreat {
  const slots = new Map<number, number>()
  for (const [slot, count] of [...one.slots, ...other.slots]) slots.set(slot, (slots.get(slot) ?? 0) + count)
  const set = <T>(a: { values: readonly T[]; more: number }, b: { values: readonly T[]; more: number }): { values: T[]; more: number } => {
    const values = [...new Set([...a.values, ...b.values])]
    return { values, more: Math.max(a.values.length + a.more, b.values.length + b.more, values.length) - values.length }
  }
  const seen = [one.shown, other.shown].filter((text) => text !== '').sort(byBytes)
  const label = better(one.label, other.label)
  const joined = {
    ...one,
    label,
    shown: seen[0] ?? '',
    lines: one.lines + other.lines,
    protocol: Math.min(one.protocol, other.protocol),
    directions: one.directions | other.directions,
    first: Math.min(one.first, other.first),
    last: Math.max(one.last, other.last),
    slots: [...slots].sort((a, b) => a[0] - b[0]),
    destinations: set(one.destinations, other.destinations),
    ports: set(one.ports, other.ports),
    sensors: set(one.sensors, other.sensors),
  }
  const size = (told: { values: readonly unknown[]; more: number }): number => told.values.length + told.more
  const facts = {
    directions: joined.directions,
    count: countOf(joined),
    slots: joined.slots,
    destinations: size(joined.destinations),
    ports: size(joined.ports),
    sensors: size(joined.sensors),
    retro: joined.sensors.values.includes(RETRO_SENSOR),
    isPort: joined.kind === 'PORT',
  }
  return { ...joined, ...evidence(labelEvidence(label), facts) }
}

/** The key of a row; its id stands in it where the table was told of it. */
const plainKey = ({ site, source, kind, indicator, id }: Threat, wanted: ReadonlyMap<string, PlainThreat>): string => {
  const withId = JSON.stringify([site, source, kind, indicator, idHalves(id)])
  return wanted.has(withId) ? withId : JSON.stringify([site, source, kind, indicator, undefined])
}

const ranking = ({ count }: Threat): number => Math.min(count, 2 ** 32 - 1)

/** By rank: the plain version. */
function byRank(a: Threat, b: Threat): number {
  const order = b.severity - a.severity || b.score - a.score || ranking(b) - ranking(a) || byBytes(a.indicator, b.indicator)
  return order || compareAddresses(parseAddress(a.source)!, parseAddress(b.source)!)
}

describe('a table', () => {
  const chunks = fc.array(fc.uniqueArray(threat, { selector: keyOf, maxLength: 12 }), { minLength: 1, maxLength: 4 })

  test('of several chunks has each threat once, merged', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const wanted = new Map<string, PlainThreat>()
        for (const part of parts.flat()) {
          const known = wanted.get(keyOf(part))
          wanted.set(keyOf(part), known === undefined ? part : merged(known, part))
        }
        const table = tableOf(parts)
        expect(table.rows).toBe(wanted.size)
        for (const row of shown(table, Array.from({ length: table.rows }, (_, row) => row))) {
          const plain = wanted.get(plainKey(row, wanted))!
          expect(row.count).toBe(countOf(plain))
          const { label, slots, first, last, id: _id, ...rest } = plain
          expect(row).toMatchObject({ ...rest, ...label, first: START + first, last: START + last })
          const active = row.activity.map((count, slot) => [slot, count]).filter(([, count]) => count !== 0)
          expect(active).toEqual(slots.map(([slot, count]) => [slot, count]))
        }
      }),
    )
  })

  test('ranks as the server does, whatever came first', () => {
    fc.assert(
      fc.property(chunks, (parts) => {
        const table = tableOf(parts)
        // Asked in between as well: what is known is not sorted again.
        const again = new Threats(9)
        for (const part of parts) {
          again.append(readChunk(writeChunk({ start: START, slots: SLOTS, threats: part })), false)
          again.ranked()
        }
        for (const each of [table, again]) {
          const ranked = each.ranked()
          expect(ranked.length).toBe(each.rows)
          expect(new Set(ranked).size).toBe(each.rows)
          const rows = shown(each, ranked)
          for (let i = 1; i < rows.length; i++) expect(byRank(rows[i - 1]!, rows[i]!)).toBeLessThanOrEqual(0)
        }
      }),
    )
  })

  test('adds single events as chunks do', () => {
    fc.assert(
      fc.property(fc.uniqueArray(threat, { selector: keyOf, maxLength: 12 }), (parts) => {
        const whole = tableOf([parts])
        const single = new Threats(4)
        single.day(START, SLOTS)
        for (const row of Array.from({ length: whole.rows }, (_, row) => row)) {
          const [host, subject, label] = [whole.host[row]!, whole.subject[row]!, whole.labels.all[whole.label[row]!]!]
          const text = (number: number): number => single.texts.intern(whole.texts.get(number))
          const kind = whole.subjects.second[subject]!
          const indicator = text(whole.subjects.first[subject]!)
          const id = (kind >> 4) - 1
          single.add({
            host: single.hosts.intern(single.addresses.intern(whole.addresses.get(whole.hosts.first[host]!)), text(whole.hosts.second[host]!)),
            subject: id < 0 ? single.subjects.intern(indicator, kind) : single.subjectWithId(indicator, kind & 15, [whole.ids.first[id]!, whole.ids.second[id]!]),
            label: single.labels.intern({ ...label, class: text(label.class), info: text(label.info), reference: text(label.reference) }),
            shown: whole.shown[row] === 0 ? 0 : text(whole.shown[row]! - 1) + 1,
            lines: whole.lines[row]!,
            count: whole.count[row]!,
            first: whole.first[row]!,
            last: whole.last[row]!,
            protocol: whole.protocol[row]!,
            directions: whole.directions[row]!,
            slots: new Map(whole.slotsOf(row)),
            sets: [
              { ...whole.set(row, 'destinations'), values: whole.set(row, 'destinations').values.map((each) => single.addresses.intern(whole.addresses.get(each))) },
              whole.set(row, 'ports'),
              { ...whole.set(row, 'sensors'), values: whole.set(row, 'sensors').values.map(text) },
            ],
          })
        }
        const every = Array.from({ length: whole.rows }, (_, row) => row)
        // Chunks bring their evidence; here it is worked out.
        const plain = ({ score: _score, reasons: _reasons, ...rest }: Threat): unknown => rest
        expect(shown(single, every).map(plain)).toEqual(shown(whole, every).map(plain))
        expect(single.ranked().length).toBe(whole.rows)
      }),
    )
  })

  test('refuses rows that it has no room for, and counts them', () => {
    const made = fc.sample(chunk, { numRuns: 50, seed: 1 }).find(({ threats }) => threats.length > 3)!
    for (const [room, refused] of [
      [made.threats.length - 1, 1],
      [made.threats.length, 0],
      [made.threats.length + 1, 0],
    ] as const) {
      for (const fresh of [true, false]) {
        const threats = new Threats(1, 16, room)
        threats.append(readChunk(writeChunk(made)), fresh)
        expect([threats.rows, threats.refused]).toEqual([Math.min(room, made.threats.length), refused])
        expect(threats.ranked().length).toBe(threats.rows)
      }
    }
  })

  test('keeps slots of several days apart', () => {
    const threats = new Threats(1)
    const made = fc.sample(threat, { numRuns: 1, seed: 2 })
    threats.day(START, 24)
    threats.day(START + 86_400, 25)
    threats.append(readChunk(writeChunk({ start: START + 86_400, slots: SLOTS, threats: made })), true)
    const [first] = threats.slotsOf(0)
    expect(first![0]).toBe(24 + made[0]!.slots[0]![0])
    expect(threats.slotStart(first![0])).toBe(START + 86_400 + 3600 * made[0]!.slots[0]![0])
    expect(KINDS).toContain(shown(threats, [0])[0]!.kind)
  })
})
