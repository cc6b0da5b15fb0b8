import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareAddresses, parseAddress } from '../../model/address'
import { DIRECTIONS, KINDS, STATUSES } from '../../model/vocabulary'
import { GROUPINGS, NOISE, SORTS, type Group, type NoiseClass, type Query, type Sort, type Threat, type Triage } from '../../model/threat'
import { search } from '../../search/made.testing'
import { finds } from '../../search/naive.testing'
import { parse } from '../../search/parse'
import { SLOTS, START, threats } from '../chunk/made.testing'
import { readChunk } from '../chunk/read'
import { writeChunk, type PlainThreat } from '../chunk/write.testing'
import { Ids } from '../table/ids'
import { Threats } from '../table/threats'
import { TriageRows } from '../table/triage'
import { View } from './view'

const DAY = 86_400

/** Two days, so that slots are those of the table and not of a chunk; and triage of every third threat. */
function opened(first: readonly PlainThreat[], second: readonly PlainThreat[]): { view: View; all: Threat[] } {
  const table = new Threats(5)
  table.day(START, SLOTS)
  table.day(START + 2 * DAY, SLOTS)
  table.append(readChunk(writeChunk({ start: START, slots: SLOTS, threats: first })), true)
  table.append(readChunk(writeChunk({ start: START + 2 * DAY, slots: SLOTS, threats: second })), false)
  const triage = new TriageRows(new Ids(table), () => table.generation)
  const view = new View(table, triage)
  const ids = Array.from({ length: table.rows }, (_, row) => view.threat(row).id)
  triage.take(ids.filter((_, row) => row % 3 === 0).map(decided))
  return { view, all: Array.from(table.ranked(), (row) => view.threat(row)) }
}

function decided(threat: string, at: number): Triage {
  const assignee = ['', 'anna', 'ben'][at % 3]!
  const status = STATUSES[at % STATUSES.length]!
  return { threat, status, assignee, tags: at % 2 === 0 ? ['known', 'VIP'] : [], notes: at % 4, version: 1, changed: '', author: 'anna' }
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** A key's order, ascending; none for what is no key of threats. */
const orders: Readonly<Partial<Record<Sort['by'], (a: Threat, b: Threat) => number>>> = {
  score: (a, b) => a.score - b.score,
  severity: (a, b) => a.severity - b.severity,
  count: (a, b) => Math.min(a.count, 2 ** 32 - 1) - Math.min(b.count, 2 ** 32 - 1),
  first: (a, b) => a.first - b.first,
  last: (a, b) => a.last - b.last,
  source: (a, b) => compareAddresses(parseAddress(a.source)!, parseAddress(b.source)!),
  indicator: (a, b) => byBytes(a.indicator, b.indicator),
  family: (a, b) => byBytes(a.family, b.family),
  kind: (a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind),
}

/** Threats in order: the plain version. They come by rank. */
function sorted(found: readonly Threat[], { by, descending }: Sort): Threat[] {
  const order = orders[by]
  if (order === undefined) return descending ? found.toReversed() : [...found]
  return found.toSorted((a, b) => (descending ? order(b, a) : order(a, b)))
}

const range = fc.option(
  fc.tuple(fc.integer({ min: -5, max: 80 }), fc.integer({ min: 1, max: 30 })).map(([from, hours]) => ({ from: START + 3600 * from + 10, to: START + 3600 * (from + hours) })),
  { nil: undefined },
)

/** Whether one of a threat's hours is touched. */
function within(range: Query['range'], threat: Threat): boolean {
  if (range === undefined) return true
  const start = (slot: number): number => (slot < SLOTS ? START + 3600 * slot : START + 2 * DAY + 3600 * (slot - SLOTS))
  return threat.activity.some((count, slot) => count > 0 && start(slot) < range.to && start(slot) + 3600 > range.from)
}

/** What knocks from outside, told from a plain threat. */
function noiseOf({ directions, severity, kind, class: name }: Threat): NoiseClass | undefined {
  if ((directions & (DIRECTIONS.outbound | DIRECTIONS.lateral)) !== 0 || severity === 2) return undefined
  if (severity === 1 && kind !== 'IP' && kind !== 'PORT') return undefined
  if (kind === 'PORT') return 'scan'
  const classes: Record<string, NoiseClass> = { scanner: 'scanner', attacker: 'attacker', suspicious: 'reputation', anonymizer: 'anonymizer' }
  return classes[name] ?? 'other'
}

/** What is left of what a search finds. */
function unfolded(found: readonly Threat[], { noise, search }: Query): Threat[] {
  const others = found.filter((threat) => noiseOf(threat) === undefined)
  if (noise === 'folded') return others.length > 0 || parse(search) === undefined ? others : [...found]
  return noise === 'shown' ? [...found] : found.filter((threat) => noiseOf(threat) === noise)
}

const query: fc.Arbitrary<Query> = fc.record({
  search: fc.oneof(fc.constant(''), search),
  range,
  sort: fc.record({ by: fc.constantFrom(...SORTS), descending: fc.boolean() }),
  group: fc.constant<'none'>('none'),
  noise: fc.constantFrom('folded', 'shown', ...NOISE),
})

describe('a query', () => {
  test('finds, counts and orders what the plain version does', () => {
    fc.assert(
      fc.property(threats, threats, query, (first, second, asked) => {
        const { view, all } = opened(first, second)
        const node = parse(asked.search)
        const summary = view.answer(asked, node, () => 0)
        const matched = all.filter((threat) => finds(node, threat))
        const kept = unfolded(matched, asked)
        const found = kept.filter((threat) => within(asked.range, threat))
        expect(summary.rows).toBe(found.length)
        expect(view.page(0, 1000)).toEqual(sorted(found, asked.sort))
        const sum = (of: (threat: Threat) => number): number => found.reduce((sum, threat) => sum + of(threat), 0)
        const going = (bit: number): number => sum(({ directions }) => Number((directions & bit) !== 0))
        const hosts = (of: readonly Threat[]): number => new Set(of.map(({ source, site }) => `${source} ${site}`)).size
        expect(summary).toMatchObject({
          threats: found.length,
          events: sum(({ count }) => count),
          hosts: hosts(found),
          atRisk: hosts(found.filter(({ severity, directions }) => severity === 2 && (directions & (DIRECTIONS.outbound | DIRECTIONS.lateral)) !== 0)),
          severity: [0, 1, 2].map((each) => sum(({ severity }) => Number(severity === each))),
          directions: { outbound: going(1), inbound: going(2), lateral: going(4), transit: going(8) },
          kinds: KINDS.map((each) => sum(({ kind }) => Number(kind === each))),
          statuses: Object.fromEntries(STATUSES.map((each) => [each, sum(({ triage }) => Number((triage?.status ?? 'open') === each))])),
        })
        for (const [slot, bin] of summary.bins.entries()) {
          // The time line shows what is beside the range as well.
          const of = (worst: number): number => kept.reduce((all, { severity, activity }) => all + (severity === worst ? activity[slot]! : 0), 0)
          expect([bin.low, bin.medium, bin.high]).toEqual([of(0), of(1), of(2)])
        }
        const noise = NOISE.map((name) => matched.filter((threat) => noiseOf(threat) === name))
        const told = noise.flatMap((of) => {
          const [first] = of
          if (first === undefined) return []
          const events = of.reduce((all, { count }) => all + count, 0)
          return [{ class: noiseOf(first), threats: of.length, events, hosts: hosts(of), last: Math.max(...of.map(({ last }) => last)) }]
        })
        expect(summary.noise).toEqual(told)
        expect(summary.fresh).toBe(found.filter(({ first }) => first >= summary.freshSince).length)
        expect(view.idsOf(0, 5)).toEqual(sorted(found, asked.sort).slice(0, 5).map(({ id }) => id))
      }),
      { numRuns: 300 },
    )
  })

  test('joins what the plain version does', () => {
    const groupings = fc.constantFrom(...GROUPINGS.filter((grouping) => grouping !== 'none'))
    fc.assert(
      fc.property(threats, threats, query, groupings, (first, second, asked, group) => {
        const { view, all } = opened(first, second)
        const node = parse(asked.search)
        const summary = view.answer({ ...asked, group }, node, () => 0)
        const keyOf = ({ source, family, indicator }: Threat): string => (group === 'host' ? source : group === 'family' ? family : indicator)
        const wanted = new Map<string, Threat[]>()
        for (const threat of unfolded(all.filter((threat) => finds(node, threat)), asked)) {
          if (!within(asked.range, threat)) continue
          wanted.set(keyOf(threat), [...(wanted.get(keyOf(threat)) ?? []), threat])
        }
        const found = view.page(0, 1000) as Group[]
        expect(summary.rows).toBe(wanted.size)
        expect(new Set(found.map(({ key }) => key))).toEqual(new Set(wanted.keys()))
        for (const each of found) {
          const of = wanted.get(each.key)!
          const sources = new Set(of.map(({ source, site }) => (group === 'host' ? source : `${source} ${site}`)))
          expect(each).toEqual({
            key: each.key,
            threats: of.length,
            events: of.reduce((sum, { count }) => sum + count, 0),
            severity: Math.max(...of.map(({ severity }) => severity)),
            score: Math.max(...of.map(({ score }) => score)),
            first: Math.min(...of.map(({ first }) => first)),
            last: Math.max(...of.map(({ last }) => last)),
            hosts: sources.size,
            worst: of[0],
          })
        }
      }),
    )
  })
})
