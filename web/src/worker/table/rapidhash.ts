/**
 * rapidhash v3 of bytes, seeded as the server seeds the ids of threats. 64-bit numbers are pairs of 32-bit halves: a
 * million ids are worked out while the page is open, and big integers take ten times as long. The plain version stands
 * in the test.
 */

/** Secrets of the seed 0x6d616c747261696c, each as upper and lower half: part of the format of ids. */
export const SEED = 0x6d61_6c74_7261_696cn

const MASK = 0xffff_ffff_ffff_ffffn
const DEFAULTS = [0x2d358dccaa6c78a5n, 0x8bb84b93962eacc9n, 0x4b33a62ed433d4a3n, 0x4d5a2da51de1aa47n, 0xa0761d6478bd642fn, 0xe7037ed1a0b428dbn, 0x90ed1765281c388cn]

/** Multiplication folded: both halves of the product, one over the other. */
export function mixBig(a: bigint, b: bigint): bigint {
  const product = a * b
  return (product & MASK) ^ (product >> 64n)
}

function premixed(seed: bigint, secret: bigint): bigint {
  let mixed = seed ^ mixBig(seed ^ (DEFAULTS[2] ?? 0n), secret)
  if ((mixed & (0xffffn << 48n)) === 0n) mixed |= 1n << 63n
  if ((mixed & (0xffffn << 24n)) === 0n) mixed |= 1n << 31n
  if ((mixed & 0xffffn) === 0n) mixed |= 1n
  return mixed
}

/** Seed and secrets that follow from a seed. */
export function secretsOf(seed: bigint): { seed: bigint; secrets: bigint[] } {
  const start = premixed(seed, DEFAULTS[0] ?? 0n)
  let before = start
  const secrets = DEFAULTS.map((secret) => (before = premixed(before, secret)))
  return { seed: start, secrets }
}

const MADE = secretsOf(SEED)
const halves = (number: bigint): [number, number] => [Number(number & 0xffffffffn), Number(number >> 32n)]
const [SEED_LOW, SEED_HIGH] = halves(MADE.seed)
const LOW = Uint32Array.from(MADE.secrets, (secret) => halves(secret)[0])
const HIGH = Uint32Array.from(MADE.secrets, (secret) => halves(secret)[1])

// Results of `multiply`: a number cannot hold 128 bits, and an object for each would be garbage.
let [r0, r1, r2, r3] = [0, 0, 0, 0]

/** Upper half of the product of two 32-bit numbers. */
function upper(a: number, b: number): number {
  const [a0, a1, b0, b1] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const k = a1 * b0 + ((a0 * b0) >>> 16)
  const l = a0 * b1 + (k & 0xffff)
  return a1 * b1 + (k >>> 16) + (l >>> 16)
}

function multiply(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  r0 = Math.imul(aLow, bLow) >>> 0
  let sum = upper(aLow, bLow) + (Math.imul(aHigh, bLow) >>> 0) + (Math.imul(aLow, bHigh) >>> 0)
  r1 = sum >>> 0
  const carry = (sum - r1) / 0x1_0000_0000
  sum = upper(aHigh, bLow) + upper(aLow, bHigh) + (Math.imul(aHigh, bHigh) >>> 0) + carry
  r2 = sum >>> 0
  r3 = (upper(aHigh, bHigh) + (sum - r2) / 0x1_0000_0000) >>> 0
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

// Lanes of long inputs.
const laneLow = new Uint32Array(7)
const laneHigh = new Uint32Array(7)

/** Mixes 16 bytes into a lane. */
function lane(bytes: Uint8Array, at: number, secret: number, to: number): void {
  multiply(
    (word(bytes, at) ^ LOW[secret]!) >>> 0,
    (word(bytes, at + 4) ^ HIGH[secret]!) >>> 0,
    (word(bytes, at + 8) ^ laneLow[to]!) >>> 0,
    (word(bytes, at + 12) ^ laneHigh[to]!) >>> 0,
  )
  laneLow[to] = r0 ^ r2
  laneHigh[to] = r1 ^ r3
}

/** Secrets of the blocks of 16 bytes that are left of an input. */
const TAIL_SECRETS = [2, 2, 1, 1, 2, 1] as const

/** A 64-bit number. */
export interface Hash {
  low: number
  high: number
}

/** Hashes `bytes[0..length]` into `to`. */
export function hashId(bytes: Uint8Array, length: number, to: Hash): void {
  let [aLow, aHigh, bLow, bHigh] = [0, 0, 0, 0]
  let left = length
  laneLow[0] = SEED_LOW
  laneHigh[0] = SEED_HIGH
  if (length <= 16) {
    if (length >= 4) {
      laneLow[0] = (SEED_LOW ^ length) >>> 0
      const size = length >= 8 ? 8 : 4
      aLow = word(bytes, 0)
      bLow = word(bytes, length - size)
      if (size === 8) {
        aHigh = word(bytes, 4)
        bHigh = word(bytes, length - 4)
      }
    } else if (length > 0) {
      // The first byte stands at bit 45.
      aLow = bytes[length - 1]!
      aHigh = bytes[0]! << 13
      bLow = bytes[length >> 1]!
    }
  } else {
    left = long(bytes, length)
    aLow = (word(bytes, length - 16) ^ left) >>> 0
    aHigh = word(bytes, length - 12)
    bLow = word(bytes, length - 8)
    bHigh = word(bytes, length - 4)
  }
  multiply((aLow ^ LOW[1]!) >>> 0, (aHigh ^ HIGH[1]!) >>> 0, (bLow ^ laneLow[0]) >>> 0, (bHigh ^ laneHigh[0]) >>> 0)
  multiply(
    (r0 ^ 0xaaaaaaaa) >>> 0,
    (r1 ^ 0xaaaaaaaa) >>> 0,
    (r2 ^ LOW[1]! ^ left) >>> 0,
    (r3 ^ HIGH[1]!) >>> 0,
  )
  to.low = (r0 ^ r2) >>> 0
  to.high = (r1 ^ r3) >>> 0
}

/** Takes all but the last bytes of a long input into the first lane. Gives how many were left before the last blocks. */
function long(bytes: Uint8Array, length: number): number {
  let at = 0
  if (length > 112) {
    laneLow.fill(SEED_LOW)
    laneHigh.fill(SEED_HIGH)
    for (; length - at > 112; at += 112) for (let i = 0; i < 7; i++) lane(bytes, at + 16 * i, i, i)
    for (let i = 1; i < 7; i++) {
      laneLow[0]! ^= laneLow[i]!
      laneHigh[0]! ^= laneHigh[i]!
    }
  }
  const left = length - at
  for (let i = 0; left > 16 * (i + 1); i++) lane(bytes, at + 16 * i, TAIL_SECRETS[i]!, 0)
  return left
}
