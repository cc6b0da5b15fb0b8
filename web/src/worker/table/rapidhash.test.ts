import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashId, mixBig, secretsOf, SEED } from './rapidhash'

const { seed: START, secrets } = secretsOf(SEED)
const MASK = 0xffff_ffff_ffff_ffffn

/** rapidhash v3 as it is written down, with big integers. */
function plain(bytes: Uint8Array): bigint {
  const read = (at: number, size: number): bigint => {
    let value = 0n
    for (let i = 0; i < size; i++) value |= BigInt(bytes[at + i]!) << BigInt(8 * i)
    return value
  }
  const secret = (at: number): bigint => secrets[at]!
  const { length } = bytes
  let [seed, a, b, left] = [START, 0n, 0n, length]
  if (length <= 16) {
    if (length >= 4) {
      seed ^= BigInt(length)
      const size = length >= 8 ? 8 : 4
      a = read(0, size)
      b = read(length - size, size)
    } else if (length > 0) {
      a = (BigInt(bytes[0]!) << 45n) | BigInt(bytes[length - 1]!)
      b = BigInt(bytes[length >> 1]!)
    }
  } else {
    let at = 0
    if (length > 112) {
      const lanes = new Array<bigint>(7).fill(seed)
      for (; length - at > 112; at += 112) {
        for (let i = 0; i < 7; i++) lanes[i] = mixBig(read(at + 16 * i, 8) ^ secret(i), read(at + 16 * i + 8, 8) ^ lanes[i]!)
      }
      seed = lanes.reduce((all, lane) => all ^ lane)
    }
    left = length - at
    for (const [i, which] of [2, 2, 1, 1, 2, 1].entries()) {
      if (left > 16 * (i + 1)) seed = mixBig(read(at + 16 * i, 8) ^ secret(which), read(at + 16 * i + 8, 8) ^ seed)
    }
    a = read(length - 16, 8) ^ BigInt(left)
    b = read(length - 8, 8)
  }
  const product = (a ^ secret(1)) * (b ^ seed)
  return mixBig((product & MASK) ^ 0xaaaaaaaaaaaaaaaan, (product >> 64n) ^ secret(1) ^ BigInt(left))
}

function quick(bytes: Uint8Array): bigint {
  const id = { low: 0, high: 0 }
  hashId(bytes, bytes.length, id)
  return (BigInt(id.high) << 32n) | BigInt(id.low)
}

describe('ids', () => {
  test('are those of the plain version, for every length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(quick(bytes)).toBe(plain(bytes))
      }),
      { numRuns: 500 },
    )
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37) & 255)
      expect(quick(bytes)).toBe(plain(bytes))
    }
  })

  test('are those of the server', () => {
    // Of (site, source, kind, indicator) as the server's own test has it.
    const text = new TextEncoder()
    const id = (site: string, source: number[], kind: string, indicator: string): string =>
      quick(Uint8Array.from([...text.encode(site), 0, ...source, 0, ...text.encode(kind), 0, ...text.encode(indicator)]))
        .toString(16)
        .padStart(16, '0')
    expect(id('', [10, 3, 250, 56], 'DNS', 'hgame33.com')).toBe('f8e9a5658313012a')
  })
})
