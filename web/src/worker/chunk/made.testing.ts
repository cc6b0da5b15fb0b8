/** Made-up threats for property tests: few values, so that they meet. */

import fc from 'fast-check'
import { KINDS } from '../../model/vocabulary'
import { countOf, type PlainChunk, type PlainThreat } from './write.testing'

export const START = 1_795_132_800
export const SLOTS = 25

const sources = ['10.0.0.5', '10.0.0.6', '192.0.2.7', '0.0.0.0', '255.255.255.255', '2001:db8::7', 'fe80::1:2:3:4', '::1']
const destinations = ['8.8.8.8', '10.0.0.1', '198.51.100.9', '2001:db8::53', '10.9.8.7']
const indicators = ['evil.example', 'www.evil.example', 'bad.test', '198.51.100.9:443', 'evil.example/a.exe', 'ÄPFEL.example', 'Σίσυφος.example', '', '10.0.0.6']
const infos = ['asyncrat (malware)', 'AsyncRAT (malware)', 'known attacker', 'sinkhole of ÉTAT', '']
const references = ['(static)', '(static) (+feed.example,other)', '(custom)', '(heuristic)', 'feed.example']
const sensors = ['gw-hq', 'gw-dc', 'Süd', '(retro)']

const subset = <T>(values: readonly T[]): fc.Arbitrary<T[]> => fc.subarray([...values], { maxLength: Math.min(4, values.length) })
const told = <T>(values: readonly T[]): fc.Arbitrary<{ values: T[]; more: number }> =>
  fc.record({ values: subset(values), more: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 70_000 }) }) })

const label = fc.record({
  severity: fc.integer({ min: 0, max: 2 }),
  confidence: fc.constantFrom(0, 10, 50, 90, 100),
  class: fc.constantFrom('malware', 'scanner', 'dynamic_dns', 'sinkhole', ''),
  info: fc.constantFrom(...infos),
  reference: fc.constantFrom(...references),
})

const counts = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(255, 256, 65_535, 65_536, 2 ** 32, 2 ** 40))
const slots = fc
  .tuple(fc.uniqueArray(fc.integer({ min: 0, max: SLOTS - 1 }), { minLength: 1, maxLength: 8 }), fc.array(counts, { minLength: 8, maxLength: 8 }))
  .map(([used, counts]) => used.sort((a, b) => a - b).map((slot, i) => [slot, counts[i]!] as const))

export const threat: fc.Arbitrary<PlainThreat> = fc
  .record({
    site: fc.constantFrom('', 'berlin'),
    source: fc.constantFrom(...sources),
    kind: fc.constantFrom(...KINDS),
    indicator: fc.constantFrom(...indicators),
    label,
    seen: fc.constantFrom('', '(www).', '(x y).'),
    protocol: fc.constantFrom(1, 6, 17, 255),
    directions: fc.integer({ min: 1, max: 15 }),
    score: fc.integer({ min: 0, max: 100 }),
    reasons: fc.integer({ min: 0, max: 0x7fff }),
    second: fc.integer({ min: 0, max: 3599 }),
    lasts: fc.integer({ min: 0, max: 90_000 }),
    slots,
    destinations: told(destinations),
    ports: told([53, 80, 443, 65_535]),
    sensors: told(sensors),
    id: fc.option(fc.tuple(fc.nat(0xffff_ffff), fc.nat(0xffff_ffff)), { nil: undefined, freq: 8 }),
    lines: fc.integer({ min: 1, max: 50 }),
  })
  .map(({ seen, second, lasts, lines, id, ...rest }) => {
    const first = 3600 * rest.slots[0]![0] + second
    const made = { ...rest, shown: seen + rest.indicator, first, last: first + lasts, lines: 1, ...(id === undefined ? {} : { id }) }
    return { ...made, lines: Math.min(lines, countOf(made)) }
  })

/** What makes a threat. */
export function keyOf({ site, source, kind, indicator, id }: PlainThreat): string {
  return JSON.stringify([site, source, kind, indicator, id])
}

/** Threats that are all different. */
export const threats: fc.Arbitrary<PlainThreat[]> = fc.uniqueArray(threat, { selector: keyOf, maxLength: 30 })

export const chunk: fc.Arbitrary<PlainChunk> = threats.map((made) => ({ start: START, slots: SLOTS, threats: made }))
