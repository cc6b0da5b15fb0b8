import { expect, test } from 'vitest'
import { askedAt, fieldsLike, fixedValues } from './complete'

test.each([
  ['', 0, { from: 0, to: 0, field: undefined, text: '' }],
  ['se', 2, { from: 0, to: 2, field: undefined, text: 'se' }],
  ['sev:hi', 6, { from: 4, to: 6, field: 'sev', text: 'hi' }],
  ['a -tag:kno b', 10, { from: 7, to: 10, field: 'tag', text: 'kno' }],
  ['(type:DNS,UR)', 12, { from: 10, to: 12, field: 'type', text: 'UR' }],
  ['src:10.0.0.5', 6, { from: 4, to: 12, field: 'src', text: '10' }],
] as const)('the word in %s at %d', (search, cursor, asked) => {
  expect(askedAt(search, cursor)).toEqual(asked)
})

test('fields and fixed values', () => {
  expect(fieldsLike('s').map(({ name }) => name)).toEqual(['src', 'status', 'sensor', 'sev', 'score'])
  expect(fixedValues('sev', 'm')).toEqual(['medium', 'medium+'])
  expect(fixedValues('src', '')).toBeUndefined()
})
