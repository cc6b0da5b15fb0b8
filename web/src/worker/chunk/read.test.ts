import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Threat } from '../../model/threat'
import { Ids, idText } from '../table/ids'
import { Threats } from '../table/threats'
import { TriageRows } from '../table/triage'
import { View } from '../query/view'
import { chunk, SLOTS, START } from './made.testing'
import { ChunkError, readChunk } from './read'
import { countOf, writeChunk, type PlainThreat } from './write.testing'

/** All rows of a table as they are shown. */
function shown(threats: Threats): Threat[] {
  const view = new View(threats, new TriageRows(new Ids(threats), () => threats.generation))
  return Array.from({ length: threats.rows }, (_, row) => view.threat(row))
}

/** A plain threat as it must be shown; its id is what the table worked out, where it is not told. */
function expected(plain: PlainThreat, id: string): Threat {
  const activity = new Array<number>(SLOTS).fill(0)
  for (const [slot, count] of plain.slots) activity[slot] = count
  const { site, source, kind, indicator, protocol, directions, score, reasons, lines, destinations, ports, sensors, label } = plain
  return {
    id: plain.id === undefined ? id : idText(...plain.id),
    ...{ site, source, kind, indicator, protocol, directions, score, reasons, lines, destinations, ports, sensors },
    shown: plain.shown,
    ...label,
    family: label.info.split(' (')[0]!.trim().toLowerCase(),
    count: countOf(plain),
    first: START + plain.first,
    last: START + plain.last,
    activity,
    triage: undefined,
  }
}

const inOrder = <T>(values: readonly T[]): T[] => [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))

describe('chunks', () => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(chunk, (plain) => {
        const threats = new Threats(7)
        const read = readChunk(writeChunk(plain))
        expect(read.totals.lines).toBe(plain.threats.reduce((sum, { lines }) => sum + lines, 0))
        threats.append(read, true)
        const found = shown(threats)
        const ids = new Map(found.map((row) => [JSON.stringify([row.site, row.source, row.kind, row.indicator, row.shown, row.first]), row.id]))
        const wanted = plain.threats.map((each) => {
          const key = JSON.stringify([each.site, each.source, each.kind, each.indicator, each.shown, START + each.first])
          return expected(each, ids.get(key) ?? '')
        })
        expect(inOrder(found)).toEqual(inOrder(wanted))
      }),
    )
  })

  test('of any bytes are read or refused', () => {
    const damaged = fc.tuple(chunk, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }), fc.option(fc.nat())).map(([plain, changes, length]) => {
      const bytes = writeChunk(plain)
      for (const [at, value] of changes) bytes[at % bytes.length] = value
      return length === null ? bytes : bytes.subarray(0, length % (bytes.length + 1))
    })
    fc.assert(
      fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (bytes) => {
        try {
          new Threats(7).append(readChunk(bytes), true)
        } catch (error) {
          expect(error).toBeInstanceOf(ChunkError)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('of another version say so', () => {
    const bytes = writeChunk({ start: START, slots: 24, threats: [] })
    expect(readChunk(bytes).rows).toBe(0)
    bytes[4] = 2
    expect(() => readChunk(bytes)).toThrow('chunk of version 2')
  })
})
