import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Threat } from '../model/threat'
import { FIELDS } from './fields'
import { search } from './made.testing'
import { finds } from './naive.testing'
import { MAX_CHARACTERS, MAX_DEPTH, MAX_TERMS, parse, SearchError } from './parse'
import { fold, matches } from './terms'

/** A DNS threat of 10.0.0.1 (gw-dc) to 8.8.8.8 about host1.evil1.example. */
const THREAT: Threat = {
  id: '0123456789abcdef',
  site: '',
  source: '10.0.0.1',
  kind: 'DNS',
  indicator: 'evil1.example',
  shown: '(host1).evil1.example',
  info: 'asyncrat (malware)',
  family: 'asyncrat',
  reference: '(static)',
  class: 'malware',
  severity: 2,
  confidence: 90,
  score: 80,
  reasons: 0,
  directions: 1,
  protocol: 17,
  count: 40,
  lines: 40,
  first: 0,
  last: 10,
  activity: [40],
  destinations: { values: ['8.8.8.8'], more: 0 },
  ports: { values: [53], more: 0 },
  sensors: { values: ['gw-dc'], more: 0 },
  triage: { threat: '0123456789abcdef', status: 'investigating', assignee: 'anna', tags: ['vip'], notes: 2, version: 3, changed: '', author: 'ben' },
}

const found = (text: string): boolean => finds(parse(text), THREAT)

function wrong(text: string): SearchError {
  try {
    parse(text)
  } catch (error) {
    if (error instanceof SearchError) return error
  }
  throw new Error(`${text} can be read`)
}

describe('terms', () => {
  // What hunts on the server find stands in its own test; these are the same words.
  test.each([
    ['host1.evil1.example', true],
    ['HOST1.evil1.example', true],
    ['evil1.example', true],
    ['other.example', false],
    ['hxxps://evil1[.]example', true],
    ['10.0.0.1', true],
    ['10.0.0.2', false],
    ['10[.]0[.]0[.]1', true],
    ['10.0.0.0/24', true],
    ['10.0.0.77/24', true],
    ['8.8.8.0-8.8.8.8', true],
    ['8.8.8.0-8.8.8.7', false],
    ['::ffff:10.0.0.1', true],
    ['::ffff:10.0.0.0/120', true],
    ['::ffff:11.0.0.0/120', false],
    ['"asyncrat (malware)"', true],
    ['"asyncrat  malware"', false],
    ['asyncrat (malware)', true],
    ['src:10.0.0.0/8', true],
    ['dst:10.0.0.0/8', false],
    ['DST:8.8.8.8', true],
    ['trail:example', true],
    ['trail:evil1.example.', true],
    ['trail:vil1.example', false],
    ['trail:"vil1.example"', true],
    ['info:asyncrat', true],
    ['info:"asyncrat ("', true],
    ['info:evil', false],
    ['sensor:gw-dc', true],
    ['sensor:gw-hq', false],
    ['type:dns', true],
    ['type:URL', false],
    ['sev:high', true],
    ['sev:medium', false],
    ['sev:medium+', true],
    ['nosuch:field', false],
    // What only the page has.
    ['src:192.0.2.1,10.0.0.1', true],
    ['port:53', true],
    ['port:>53', false],
    ['port:1-1024', true],
    ['proto:udp', true],
    ['proto:6', false],
    ['trail:*.example', true],
    ['trail:evil*', true],
    ['trail:vil*', false],
    ['info:async*', true],
    ['info:sync*', false],
    ['evil*ample', true],
    ['family:asyncrat', true],
    ['family:async', false],
    ['tag:VIP', true],
    ['tag:v*', true],
    ['tag:other', false],
    ['note:>0', true],
    ['note:0', false],
    ['assignee:anna', true],
    ['status:open', false],
    ['status:open,investigating', true],
    ['sev:>=medium', true],
    ['sev:<high', false],
    ['dir:out', true],
    ['dir:inbound,lateral', false],
    ['count:40', true],
    ['count:>40', false],
    ['count:30-40', true],
    ['score:>=80', true],
    ['threat:0123456789abcdef', true],
  ])('%s', (text, expected) => {
    expect(found(text)).toBe(expected)
  })
})

describe('operators', () => {
  test.each([
    ['evil1 asyncrat', true],
    ['evil1 AND nothing', false],
    ['nothing OR evil1', true],
    ['NOT nothing', true],
    ['NOT evil1', false],
    ['NOT NOT evil1', true],
    ['-evil1', false],
    ['--evil1', true],
    ['-nothing -(never OR no)', true],
    ['evil1-nothing', false],
    ['evil1 OR nothing AND never', true],
    ['(evil1 OR nothing) AND never', false],
    ['NOT nothing evil1', true],
    ['NOT (nothing evil1)', true],
    ['evil1(asyncrat)', true],
    ['evil1 and', false],
    ['"AND"', false],
    ['evil1"asyncrat"', true],
    ['', true],
  ])('%s', (text, expected) => {
    expect(found(text)).toBe(expected)
  })
})

describe('errors', () => {
  test.each([
    ['é (a', 2, 'no `)`'],
    ['a )', 2, 'no `(`'],
    ['()', 1, 'missing before'],
    ['a AND', 5, 'missing at the end'],
    ['a OR OR b', 5, 'missing before'],
    ['é "b', 2, 'not closed'],
    ['a src:host', 2, 'no address'],
    ['src:10.0.0.9-10.0.0.1', 0, 'no address'],
    ['src:10.0.0.1-::1', 0, 'no address'],
    ['type:x', 0, 'DNS, IP'],
    ['sev:worst', 0, 'low, medium'],
    ['threat:1', 0, '16 hexadecimal'],
    ['info:', 0, 'empty'],
    ['a ""', 2, 'empty'],
    ['port:65536', 0, 'up to 65535'],
    ['port:9-1', 0, 'no number or range'],
    ['count:many', 0, 'no number'],
    ['dir:up', 0, 'outbound'],
    ['status:done', 0, 'investigating'],
    ['info:a,', 0, 'of the list is empty'],
  ])('%s', (text, from, words) => {
    const error = wrong(text)
    expect(error.message).toContain(words)
    expect(error.from).toBe(from)
  })

  test('come at the limits', () => {
    const words = (count: number): string => new Array(count).fill('a').join(' ')
    const nested = (depth: number): string => '('.repeat(depth) + 'a' + ')'.repeat(depth)
    for (const [text, limit] of [
      [words, MAX_TERMS],
      [nested, MAX_DEPTH],
      [(count: number) => 'a'.repeat(count), MAX_CHARACTERS],
    ] as const) {
      expect(() => parse(text(limit - 1))).not.toThrow()
      expect(() => parse(text(limit))).not.toThrow()
      expect(() => parse(text(limit + 1))).toThrow(SearchError)
    }
  })
})

describe('any text', () => {
  const pieces = fc.constantFrom(...FIELDS.map(({ name }) => `${name}:`), 'AND', 'OR', 'NOT', '(', ')', '"', ' ', '-', ',', '*', '\\', '10.0.0.1', '/8', '>', 'é', 'x')
  test('is a search, or an error within it', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'grapheme' }), fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(''))), (text) => {
        try {
          finds(parse(text), THREAT)
        } catch (error) {
          if (!(error instanceof SearchError)) throw error
          expect(error.from).toBeGreaterThanOrEqual(0)
          expect(error.to).toBeGreaterThanOrEqual(error.from)
          expect(error.to).toBeLessThanOrEqual(text.length)
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('in quotes is looked for as it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        const quoted = `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
        expect(finds(parse(quoted), { ...THREAT, info: `x ${text} y` })).toBe(true)
      }),
    )
  })

  test('made of terms can be read', () => {
    fc.assert(fc.property(search, (text) => void parse(text)))
  })
})

test('stars stand for anything, the rest for itself', () => {
  const plain = (text: string): RegExp => new RegExp(`^${text.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`, 's')
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b', '*', '.') }).filter((pattern) => pattern.includes('*')), fc.string({ unit: fc.constantFrom('a', 'b', '.') }), (pattern, text) => {
      expect(matches({ text: fold(pattern), glob: true, whole: true }, text)).toBe(plain(pattern).test(text))
    }),
    { numRuns: 500 },
  )
})
