import { describe, expect, test } from 'vitest'
import { observableOf, problemIn } from './hunt'

describe('a hunt', () => {
  test('is told where it asks for what events do not have', () => {
    expect(problemIn('evil.example src:10.0.0.5')).toBeUndefined()
    expect(problemIn('reason:tunnel')).toBeUndefined()
    expect(problemIn('evil port:53')).toMatchObject({ from: 5, to: 12 })
    expect(problemIn('say "evil')).toMatchObject({ from: 4, to: 9 })
  })

  test('has observables beside it where it is about one thing', () => {
    for (const query of ['evil.example', '*.evil.example', '10.0.0.5', '10.0.0.0/8', '2001:db8::1']) expect(observableOf(query)).toBe(query)
    expect(observableOf('trail:evil.example')).toBe('evil.example')
    expect(observableOf('src:10.0.0.5')).toBe('10.0.0.5')
    for (const query of ['evil', 'evil.example other.example', '"evil.example"', 'info:evil.example', '10.0.0.1-10.0.0.9', 'NOT evil.example', '"evil']) {
      expect(observableOf(query)).toBeUndefined()
    }
  })
})
