import { expect, test } from 'vitest'
import { familyOf } from './subject'

test('families are named as the server joins infos', () => {
  expect(familyOf('AsyncRAT (malware)')).toBe('asyncrat')
  expect(familyOf(' known attacker')).toBe('known attacker')
})
