import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Threat } from '../model/threat'
import { KINDS, SEVERITIES } from '../model/vocabulary'
import { arrive, cut, type Change } from './arriving'
import { SLOTS, START } from './chunk/made.testing'
import { View } from './query/view'
import { evidence, labelEvidence } from './table/evidence'
import { Ids } from './table/ids'
import { Threats } from './table/threats'
import { TriageRows } from './table/triage'

const at = (second: number): string => new Date(1000 * (START + second)).toISOString()

const change: fc.Arbitrary<Change> = fc
  .record({
    site: fc.constantFrom('', 'berlin'),
    sensor: fc.constantFrom('gw', 'süd', ''),
    src: fc.constantFrom(['10.0.0.5'], ['2001:db8::7'], []),
    dst: fc.subarray(['8.8.8.8', '10.0.0.1', '2001:db8::53']),
    dst_ports: fc.subarray([0, 53, 443]),
    protocol: fc.constantFrom(6, 17),
    kind: fc.constantFrom(...KINDS),
    indicator: fc.constantFrom('evil.example', 'bad.test'),
    info: fc.constantFrom('asyncrat (malware)', 'known attacker'),
    reference: fc.constantFrom('(static)', '(custom)'),
    class: fc.constantFrom('malware', 'scanner'),
    severity: fc.constantFrom(...SEVERITIES),
    confidence: fc.constantFrom(0, 90),
    count: fc.constantFrom(0, 1, 7, 2 ** 33),
    second: fc.integer({ min: 0, max: 3600 * SLOTS - 1 }),
    lasts: fc.integer({ min: 0, max: 5000 }),
    direction: fc.constantFrom(1, 2, 4, 8),
  })
  .map(({ direction, second, lasts, ...event }) => ({
    threat: '0123456789abcdef',
    direction,
    shown: event.indicator,
    event: { ...event, time: at(second), last: at(second + lasts), observed: { text: event.indicator } },
  }))

function tableOf(changes: readonly Change[]): Threat[] {
  const threats = new Threats(1)
  threats.day(START, SLOTS)
  for (const each of changes) expect(arrive(threats, each)).toBe(true)
  const view = new View(threats, new TriageRows(new Ids(threats), () => threats.generation))
  return Array.from(threats.ranked(), (row) => view.threat(row))
}

const keyOf = ({ event: { site, src, kind, indicator } }: Change): string => JSON.stringify([site, src[0] ?? '0.0.0.0', kind, indicator])
const countOf = ({ event }: Change): number => Math.min(Math.max(1, event.count), 2 ** 32 - 1)
const different = <T>(values: readonly T[]): Set<T> => new Set(values)

describe('what arrives', () => {
  test('is counted once, in the threat it belongs to', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const rows = tableOf(changes)
        expect(rows.length).toBe(new Set(changes.map(keyOf)).size)
        for (const row of rows) {
          const key = JSON.stringify([row.site, row.source, row.kind, row.indicator])
          const of = changes.filter((each) => keyOf(each) === key)
          expect(row.count).toBe(of.reduce((sum, each) => sum + countOf(each), 0))
          expect(row.lines).toBe(of.length)
          expect(row.directions).toBe(of.reduce((all, { direction }) => all | direction, 0))
          expect(row.first).toBe(Math.min(...of.map(({ event }) => Date.parse(event.time) / 1000)))
          expect(row.last).toBe(Math.max(...of.map(({ event }) => Date.parse(event.last) / 1000)))
          expect(row.activity.reduce((sum, count) => sum + count, 0)).toBe(row.count)
          expect(different(row.destinations.values)).toEqual(different(of.flatMap(({ event }) => event.dst)))
          expect(different(row.ports.values)).toEqual(different(of.flatMap(({ event }) => event.dst_ports!.filter((port) => port !== 0))))
          expect(different(row.sensors.values)).toEqual(different(of.map(({ event }) => event.sensor).filter((sensor) => sensor !== '')))
          const slots = row.activity.map((count, slot) => [slot, count] as const).filter(([, count]) => count > 0)
          const facts = { directions: row.directions, count: row.count, slots, destinations: row.destinations.values.length, ports: row.ports.values.length, sensors: row.sensors.values.length, retro: false, isPort: row.kind === 'PORT' }
          expect({ score: row.score, reasons: row.reasons }).toEqual(evidence(labelEvidence(row), facts))
        }
      }),
    )
  })

  test('comes to the same in any order', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), fc.infiniteStream(fc.nat()), (changes, dice) => {
        const mixed = changes.map((each) => ({ each, place: dice.next().value as number })).sort((a, b) => a.place - b.place)
        const plain = (rows: Threat[]): unknown[] =>
          rows.map((row) => ({ ...row, destinations: [...row.destinations.values].sort(), ports: [...row.ports.values].sort(), sensors: [...row.sensors.values].sort() }))
        expect(plain(tableOf(mixed.map(({ each }) => each)))).toEqual(plain(tableOf(changes)))
      }),
    )
  })

  test('of a day that is not open is passed over', () => {
    const threats = new Threats(1)
    threats.day(START, 24)
    const [made] = fc.sample(change, { numRuns: 1, seed: 1 })
    for (const [second, open] of [
      [-1, false],
      [0, true],
      [24 * 3600 - 1, true],
      [24 * 3600, false],
    ] as const) {
      expect(arrive(threats, { ...made!, event: { ...made!.event, time: at(second), last: at(second) } })).toBe(open)
    }
    expect(threats.count[0]! + (threats.rows > 1 ? threats.count[1]! : 0)).toBe(2 * countOf(made!))
  })

  test('keeps the id of a threat whose indicator is cut', () => {
    const [made] = fc.sample(change, { numRuns: 1, seed: 1 })
    const long = 'a'.repeat(300)
    const [row] = tableOf([{ ...made!, shown: long, event: { ...made!.event, indicator: long } }])
    expect([row!.id, row!.indicator]).toEqual(['0123456789abcdef', 'a'.repeat(256)])
  })
})

test('texts are cut at characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 60, maxLength: 300 }), (text) => {
      const short = cut(text)
      const bytes = (part: string): number => new TextEncoder().encode(part).length
      expect(text.startsWith(short)).toBe(true)
      expect(bytes(short)).toBeLessThanOrEqual(256)
      if (short !== text) expect(bytes(short)).toBeGreaterThan(252)
    }),
  )
})
