import { expect, test } from 'vitest'
import { lasted } from './format'

test('times are told in their largest unit', () => {
  expect([0, 89, 90, 5399, 5400, 36 * 3600, 90 * 86_400].map(lasted)).toEqual(['0 s', '89 s', '2 min', '90 min', '2 h', '2 d', '90 d'])
})
