import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Lines, MAX_LINE } from './lines'

describe('lines', () => {
  test('are the same however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[^\n]+$/), { maxLength: 8 }), fc.array(fc.nat(12), { maxLength: 20 }), (lines, cuts) => {
        const reader = new Lines()
        const text = lines.map((line) => `${line}\n`).join('')
        const found: string[] = []
        let at = 0
        for (const length of [...cuts, text.length]) {
          found.push(...reader.push(text.slice(at, at + length)))
          at += length
        }
        expect(found).toEqual(lines)
        expect(reader.left).toBe('')
      }),
    )
  })

  test('are not put together without an end', () => {
    const reader = new Lines()
    expect(reader.push('x'.repeat(MAX_LINE))).toEqual([])
    expect(() => reader.push('x')).toThrow('more than')
  })
})
