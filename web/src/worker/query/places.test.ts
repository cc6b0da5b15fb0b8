import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { outside, parseAddress } from '../../model/address'
import { parse } from '../../search/parse'
import { SLOTS, START, threats } from '../chunk/made.testing'
import { readChunk } from '../chunk/read'
import { writeChunk } from '../chunk/write.testing'
import { Ids } from '../table/ids'
import { Threats } from '../table/threats'
import { TriageRows } from '../table/triage'
import { MAX_PLACES, places } from './places'
import { View } from './view'

function opened(made: Parameters<typeof writeChunk>[0]['threats']): { table: Threats; view: View } {
  const table = new Threats(5)
  table.day(START, SLOTS)
  table.append(readChunk(writeChunk({ start: START, slots: SLOTS, threats: made })), true)
  return { table, view: new View(table, new TriageRows(new Ids(table), () => table.generation)) }
}

describe('addresses for the map', () => {
  test('are those of the Internet, each threat counted once for each of its own', () => {
    fc.assert(
      fc.property(threats, (made) => {
        const { table, view } = opened(made)
        const rows = table.ranked()
        const naive = new Map<string, { threats: number; events: number }>()
        let placed = 0
        for (const row of rows) {
          const { source, destinations, count } = view.threat(row)
          const sides = [...new Set([source, ...destinations.values])].filter((address) => outside(parseAddress(address)!))
          if (sides.length > 0) placed++
          for (const side of sides) {
            const known = naive.get(side) ?? { threats: 0, events: 0 }
            naive.set(side, { threats: known.threats + 1, events: known.events + count })
          }
        }
        const told = places(table, rows)
        expect(told.threats).toBe(placed)
        expect(told.distinct).toBe(naive.size)
        expect(told.places.length).toBe(Math.min(naive.size, MAX_PLACES))
        expect(new Map(told.places.map(({ address, threats, events }) => [address, { threats, events }]))).toEqual(naive)
        expect(told.places.map(({ threats }) => threats)).toEqual(told.places.map(({ threats }) => threats).toSorted((a, b) => b - a))
      }),
      { numRuns: 50 },
    )
  })
})

describe('a search that is tried', () => {
  test('tells what it would find, and leaves what is shown', () => {
    fc.assert(
      fc.property(threats, (made) => {
        const { table, view } = opened(made)
        const query = { search: '', range: undefined, sort: { by: 'rank', descending: false }, group: 'none', noise: 'shown' } as const
        view.answer(query, undefined, () => 0)
        const before = view.page(0, 50)
        const all = Array.from(table.ranked(), (row) => view.threat(row))
        const high = all.filter(({ severity }) => severity === 2)
        expect(view.tried(parse('sev:high'))).toEqual({
          threats: high.length,
          events: high.reduce((sum, { count }) => sum + count, 0),
          hosts: new Set(high.map(({ site, source }) => `${site} ${source}`)).size,
          high: high.length,
          of: all.length,
        })
        expect(view.page(0, 50)).toEqual(before)
      }),
      { numRuns: 50 },
    )
  })
})
