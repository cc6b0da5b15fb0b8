/** Made-up searches for property tests. */

import fc from 'fast-check'
import { FIELDS } from './fields'

const values: Readonly<Record<(typeof FIELDS)[number]['name'] | '', readonly string[]>> = {
  '': ['evil', 'EVIL.example', 'asyncrat', '"asyncrat (malware)"', '10.0.0.5', '10.0.0', '10.0.0.0/8', '198.51.100.0/24', '2001:db8::/32', 'evil*a.exe', 'www.evil', 'x', 'DNS', 'ÉTAT', 'σίσυφος', 'hxxps://evil[.]example', 'gw-', 'berlin', 'feed', '"("', 'db8::7'],
  src: ['10.0.0.5', '10.0.0.0/29', '0.0.0.0/0', '::/0', '10.0.0.6,192.0.2.7', '0.0.0.0-10.0.0.5', '2001:db8::-2001:db8::ffff', '::ffff:10.0.0.5'],
  dst: ['8.8.8.8', '10.0.0.0/8', '2001:db8::53', '198.51.100.0/24,8.8.8.0/24'],
  port: ['53', '80,443', '1-1024', '>1000', '<=53'],
  proto: ['tcp', 'UDP', '1', '255', 'icmp,udp'],
  type: ['dns', 'URL,IP', 'PORT'],
  trail: ['evil.example', 'example', 'EVIL.example.', '*.example', '*evil*', '"vil.exa"', 'evil.example,bad.test', 'äpfel.example', '198.51.100.9:443', '*'],
  info: ['malware', '"asyncrat ("', 'known*', '*état', 'attacker,sinkhole'],
  family: ['asyncrat', 'known*', 'ASYNCRAT', '"sinkhole of état"'],
  tag: ['known', 'k*', 'VIP,known'],
  note: ['>0', '0', '1-3'],
  assignee: ['anna', '*', 'ANNA,ben'],
  status: ['open', 'investigating', 'resolved,ignored', 'false'],
  sensor: ['gw', 'gw-hq', 'SÜD', 'gw*dc'],
  sev: ['high', 'medium+', '<high', 'low,high', '>=medium'],
  dir: ['outbound', 'in', 'lateral,transit'],
  count: ['1', '>10', '<=256', '10-70000', '>4294967295'],
  score: ['>=80', '0-50', '90'],
  threat: ['0123456789abcdef'],
}

const term = fc
  .constantFrom<keyof typeof values>('', ...FIELDS.map(({ name }) => name))
  .chain((field) => fc.constantFrom(...values[field]).map((value) => (field === '' ? value : `${field}:${value}`)))

/** Searches that can be read. */
export const search: fc.Arbitrary<string> = fc.letrec<{ any: string; one: string }>((tie) => ({
  any: fc
    .array(tie('one'), { minLength: 1, maxLength: 3 })
    .chain((parts) => fc.array(fc.constantFrom(' ', ' AND ', ' OR '), { minLength: parts.length, maxLength: parts.length }).map((joints) => parts.map((part, i) => (i === 0 ? part : `${joints[i]!}${part}`)).join(''))),
  one: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    term,
    term.map((text) => `-${text}`),
    tie('any').map((text) => `(${text})`),
    tie('any').map((text) => `NOT (${text})`),
  ),
})).any
