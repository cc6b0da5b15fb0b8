import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mergeSorted, sortByKey } from './radix'

const keys = fc.oneof(fc.nat(3), fc.nat(5000), fc.nat(0xffffffff))

test('sorting keeps the order of equal ones', () => {
  fc.assert(
    fc.property(fc.array(keys, { maxLength: 200 }), fc.boolean(), (values, descending) => {
      const rows = Uint32Array.from(values.keys())
      const order = descending ? -1 : 1
      const wanted = [...rows].sort((a, b) => order * (values[a]! - values[b]!) || a - b)
      expect([...sortByKey(rows, Uint32Array.from(values), descending)]).toEqual(wanted)
    }),
  )
})

test('merging takes the first of equal ones first, also where few meet many', () => {
  const lists = fc.tuple(fc.array(keys, { maxLength: 200 }), fc.array(keys, { maxLength: 5 }))
  fc.assert(
    fc.property(lists, ([one, other]) => {
      const values = [...one, ...other]
      const compare = (a: number, b: number): number => values[a]! - values[b]!
      const sorted = (from: number, to: number): Uint32Array => Uint32Array.from({ length: to - from }, (_, i) => from + i).sort((a, b) => compare(a, b) || a - b)
      const merged = mergeSorted(sorted(0, one.length), sorted(one.length, values.length), compare)
      expect([...merged]).toEqual([...sorted(0, values.length)])
    }),
    { numRuns: 500 },
  )
})
