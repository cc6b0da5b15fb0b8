import { expect, test } from 'vitest'
import { lookups } from './lookups'

const hosts = (field: string, value: string): string[] => lookups(field, value).map(({ href }) => new URL(href).host)

test('addresses of the Internet and names are looked up, by https alone', () => {
  expect(hosts('dst', '45.9.1.2')).toContain('www.virustotal.com')
  expect(hosts('trail', '45.9.1.2:443')).toContain('www.shodan.io')
  expect(hosts('src', '2001:db8::1')).toContain('www.abuseipdb.com')
  expect(lookups('trail', 'evil.example/a/path?secret=1').every(({ href }) => href.startsWith('https://') && !href.includes('secret'))).toBe(true)
  expect(hosts('trail', 'evil.example')).toContain('urlscan.io')
})

test.each(['10.0.0.5', '192.168.1.1', '172.20.0.1', '127.0.0.1', 'fe80::1', 'fd00::1', '::1', 'laptop', '<img src=x>', 'a b.example'])(
  'nothing outside is told of %s',
  (value) => expect(lookups('trail', value)).toEqual([]),
)
