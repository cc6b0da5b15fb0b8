import { describe, expect, test } from 'vitest'
import { parse } from './parse'
import { both, scopeOf } from './scope'

describe('the scope of a page', () => {
  test('is what its subject would be as a search', () => {
    expect(scopeOf({ page: 'host', subject: '10.0.0.5' })).toEqual(parse('10.0.0.5'))
    expect(scopeOf({ page: 'family', subject: 'AsyncRAT' })).toEqual(parse('family:asyncrat'))
    expect(scopeOf({ page: 'trail', subject: 'evil.example' })).toEqual(parse('trail:evil.example'))
    expect(scopeOf({ page: 'threats', subject: '' })).toBeUndefined()
  })

  test('takes a subject as it is, whatever it looks like', () => {
    expect(scopeOf({ page: 'family', subject: 'a") OR (b*' })).toEqual({
      kind: 'test',
      test: { on: 'family', patterns: [{ text: 'a") or (b*', glob: false, whole: true }] },
    })
    expect(scopeOf({ page: 'host', subject: 'no address' })).toBeUndefined()
  })

  test('goes together with a search', () => {
    const [one, other] = [parse('sev:high'), parse('port:53')]
    expect(both(one, undefined)).toBe(one)
    expect(both(undefined, other)).toBe(other)
    expect(both(one, other)).toEqual(parse('sev:high port:53'))
  })
})
