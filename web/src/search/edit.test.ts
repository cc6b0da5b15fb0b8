import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { choose, chosen, has, narrow, write } from './edit'
import { parse } from './parse'
import { tokens } from './lex'

describe('narrow', () => {
  test.each([
    ['', { field: 'src', value: '10.0.0.5' }, false, 'src:10.0.0.5'],
    ['sev:high', { field: 'src', value: '10.0.0.5' }, false, 'sev:high src:10.0.0.5'],
    ['src:10.0.0.5', { field: 'src', value: '10.0.0.5' }, false, 'src:10.0.0.5'],
    ['src:10.0.0.5 sev:high', { field: 'src', value: '10.0.0.5' }, true, 'sev:high -src:10.0.0.5'],
    ['-src:10.0.0.5', { field: 'src', value: '10.0.0.5' }, false, 'src:10.0.0.5'],
    ['a OR b', { field: 'type', value: 'DNS' }, false, '(a OR b) type:DNS'],
    ['sev:high AND src:10.0.0.5', { field: 'src', value: '10.0.0.5' }, true, 'sev:high -src:10.0.0.5'],
    ['', { field: 'trail', value: 'a "b" (c)' }, false, 'trail:"a \\"b\\" (c)"'],
  ] as const)('%s and %o', (search, term, not, expected) => {
    expect(narrow(search, term, not)).toBe(expected)
  })

  test('writes any value so that it is read as it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (value) => {
        const [token, ...others] = tokens(write({ field: 'info', value }))
        expect(others).toEqual([])
        expect(token?.what).toMatchObject({ field: 'info', value })
        const search = narrow('a OR b', { field: 'info', value })
        expect(has(search, { field: 'info', value })).toBe(true)
        parse(search)
      }),
    )
  })
})

describe('choose', () => {
  test('leaves one value of a field, or any', () => {
    expect(choose('sev:low src:10.0.0.5 -sev:high', 'sev', 'high')).toBe('src:10.0.0.5 sev:high')
    expect(choose('src:10.0.0.5 AND sev:high', 'sev', undefined)).toBe('src:10.0.0.5')
    expect(choose('sev:high AND src:10.0.0.5', 'sev', undefined)).toBe('src:10.0.0.5')
    expect(chosen('src:10.0.0.5 sev:high', 'sev')).toBe('high')
    expect(chosen('sev:low sev:high', 'sev')).toBeUndefined()
    expect(chosen('a OR sev:high', 'sev')).toBeUndefined()
  })
})
