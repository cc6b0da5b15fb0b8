import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Threat } from '../../model/threat'
import { refanged } from '../../search/terms'
import { cell, defanged, writing } from './export'

const threat = (change: Partial<Threat> = {}): Threat => ({
  id: '0123456789abcdef',
  site: '',
  source: '10.0.0.5',
  kind: 'DNS',
  indicator: 'evil.example',
  shown: '(www).evil.example',
  info: 'asyncrat (malware)',
  family: 'asyncrat',
  reference: '(static)',
  class: 'malware',
  severity: 2,
  confidence: 90,
  score: 90,
  reasons: 1,
  directions: 1,
  protocol: 17,
  count: 24,
  lines: 24,
  first: 1_795_132_800,
  last: 1_795_215_617,
  activity: [],
  destinations: { values: ['10.0.0.1', '10.0.0.2'], more: 3 },
  ports: { values: [53], more: 0 },
  sensors: { values: ['gw'], more: 0 },
  triage: undefined,
  ...change,
})

/** Cells of one line of CSV (RFC 4180). */
function cells(line: string): string[] {
  return [...`,${line}`.matchAll(/,(?:"((?:[^"]|"")*)"|([^",]*))/gs)].map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '')
}

test('cells of CSV are read as they were, but for what a spreadsheet would work out', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (texts) => {
      const expected = texts.map((text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text))
      expect(cells(texts.map(cell).join(','))).toEqual(expected)
    }),
  )
  expect(cell('=1+1')).toBe("'=1+1")
})

test('a row of CSV has a cell for each name of the head', () => {
  const { head, row } = writing('csv')
  const names = head.trimEnd().split(',')
  const values = cells(row(threat({ info: 'a "b", c\nd' })))
  expect(values).toHaveLength(names.length)
  expect(values[names.indexOf('info')]).toBe('a "b", c\nd')
  expect(values[names.indexOf('destinations')]).toBe('10.0.0.1 10.0.0.2')
  expect(values[names.indexOf('first')]).toBe('2026-11-20T00:00:00Z')
})

test('what is defanged is no link, and is found again by the search', () => {
  for (const text of ['evil.example', 'evil.example/a.b', 'http://evil.example', '45.9.1.2', '2001:db8::1']) {
    expect(defanged(text)).not.toContain(text)
    expect(refanged(defanged(text))).toBe(text)
  }
  const { row } = writing('defanged')
  expect(row(threat({ info: 'a\nDNS  forged' }))).not.toContain('\n')
})

test('JSON is an array of all of it', () => {
  const { head, row, between, tail } = writing('json')
  const read: unknown = JSON.parse(head + [threat(), threat({ source: '10.0.0.6' })].map(row).join(between) + tail)
  expect(read).toMatchObject([{ source: '10.0.0.5', ports: [53], evidence: ['outbound'], status: 'open' }, { source: '10.0.0.6' }])
})
