import { describe, expect, test } from 'vitest'
import { conditionOf, counts, type Rule } from './rules'

describe('a rule', () => {
  const rule: Rule = { id: 1, rule: 'src:10.0.0.5', comment: '', author: '', enabled: true, expires: null, version: 1, changed: '' }

  test('counts until it is over, and while it is on', () => {
    expect(counts(rule, 1000)).toBe(true)
    expect(counts({ ...rule, enabled: false }, 1000)).toBe(false)
    const until = { ...rule, expires: new Date(1_000_000).toISOString() }
    expect([counts(until, 999), counts(until, 1000)]).toEqual([true, false])
  })

  test('that cannot be read hides nothing', () => {
    expect(conditionOf(rule)).toBeDefined()
    expect(conditionOf({ rule: 'src:nobody' })).toBeUndefined()
    expect(conditionOf({ rule: '(' })).toBeUndefined()
  })
})
