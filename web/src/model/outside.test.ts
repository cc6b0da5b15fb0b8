import { describe, expect, test } from 'vitest'
import { outside, parseAddress } from './address'

const isOutside = (text: string): boolean => outside(parseAddress(text)!)

describe('addresses of the Internet', () => {
  test('are told from those that are nobody’s there', () => {
    for (const text of ['9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '192.167.0.1', '223.255.255.255', '2001:db8::1', '3fff::1']) {
      expect([text, isOutside(text)]).toEqual([text, true])
    }
    for (const text of ['0.1.2.3', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '127.0.0.1', '169.254.1.1', '172.16.0.0', '172.31.255.255', '192.168.0.1', '224.0.0.1', '255.255.255.255', '::1', 'fe80::1', 'fd00::1', 'ff02::1', '4000::1']) {
      expect([text, isOutside(text)]).toEqual([text, false])
    }
  })
})
