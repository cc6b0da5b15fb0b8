/** IPv4 and IPv6 addresses as numbers: reading and writing them, networks and ranges. */

/** One 32-bit number for IPv4, four for IPv6. IPv4-mapped addresses are IPv4. */
export type Address = readonly [number] | readonly [number, number, number, number]

/** First and last address, both of the same family. */
export interface Range {
  readonly first: Address
  readonly last: Address
}

/** Reads an address; brackets around IPv6 are allowed. */
export function parseAddress(text: string): Address | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text
  return bare.includes(':') ? parseV6(bare) : parseV4(bare)
}

function parseV4(text: string): readonly [number] | undefined {
  const octets = text.split('.')
  if (octets.length !== 4) return undefined
  let value = 0
  for (const octet of octets) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(octet) || Number(octet) > 255) return undefined
    value = value * 256 + Number(octet)
  }
  return [value]
}

function parseV6(text: string): Address | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const groups = halves.map(groupsOf)
  const [head, tail] = groups
  if (head === undefined) return undefined
  if (halves.length === 1) return head.length === 8 ? canonical(head) : undefined
  // `::` stands for one group at least.
  if (tail === undefined || head.length + tail.length > 7) return undefined
  return canonical([...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail])
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    if (at === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part)
      if (v4 === undefined) return undefined
      groups.push(v4[0] >>> 16, v4[0] & 0xffff)
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(parseInt(part, 16))
    } else {
      return undefined
    }
  }
  return groups
}

function canonical(groups: number[]): Address {
  const word = (at: number): number => (((groups[at] ?? 0) << 16) | (groups[at + 1] ?? 0)) >>> 0
  const [a, b, c, d] = [word(0), word(2), word(4), word(6)]
  return a === 0 && b === 0 && c === 0xffff ? [d] : [a, b, c, d]
}

/** Writes an address, IPv6 as RFC 5952 has it. */
export function formatAddress(address: Address): string {
  if (address.length === 1) return formatV4(address[0])
  const groups = address.flatMap((word) => [word >>> 16, word & 0xffff])
  // The longest run of zeros, the first of equal ones, two groups at least.
  let [start, length] = [-1, 1]
  for (let at = 0; at < 8; at++) {
    let end = at
    while (end < 8 && groups[end] === 0) end++
    if (end - at > length) [start, length] = [at, end - at]
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':')
  return start < 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`
}

function formatV4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/** Negative, 0, positive; IPv4 before IPv6. */
export function compareAddresses(one: Address, other: Address): number {
  if (one.length !== other.length) return one.length - other.length
  for (let at = 0; at < one.length; at++) {
    const difference = (one[at] ?? 0) - (other[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** Whether an address lies within. */
export function within(range: Range, address: Address): boolean {
  return (
    range.first.length === address.length &&
    compareAddresses(range.first, address) <= 0 &&
    compareAddresses(address, range.last) <= 0
  )
}

/** Reads an address, a network (`10.0.0.0/8`) or a range (`10.0.0.5-10.0.0.9`). */
export function parseRange(text: string): Range | undefined {
  const single = parseAddress(text)
  if (single !== undefined) return { first: single, last: single }
  const slash = text.lastIndexOf('/')
  if (slash > 0) return parseNetwork(text.slice(0, slash), text.slice(slash + 1))
  const dash = text.indexOf('-')
  if (dash < 0) return undefined
  const [first, last] = [parseAddress(text.slice(0, dash)), parseAddress(text.slice(dash + 1))]
  if (first?.length !== last?.length || first === undefined || last === undefined) return undefined
  return compareAddresses(first, last) <= 0 ? { first, last } : undefined
}

function parseNetwork(text: string, length: string): Range | undefined {
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || text.startsWith('[')) return undefined
  const address = parseAddress(text)
  if (address === undefined) return undefined
  let bits = Number(length)
  // A network of mapped addresses is one of IPv4.
  if (address.length === 1 && text.includes(':')) bits -= 96
  if (bits < 0 || bits > 32 * address.length) return undefined
  const masks = address.map((_, at) => {
    const ones = Math.min(32, Math.max(0, bits - 32 * at))
    return ones === 0 ? 0 : (0xffffffff << (32 - ones)) >>> 0
  })
  const mask = (at: number): number => masks[at] ?? 0
  const first = address.map((word, at) => (word & mask(at)) >>> 0)
  const last = address.map((word, at) => (word | ~mask(at)) >>> 0)
  return { first: first as unknown as Address, last: last as unknown as Address }
}

/** First parts of IPv4 that are nobody's on the Internet, and how many bits of them count. */
const INSIDE: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['224.0.0.0', 3],
]
const RANGES = INSIDE.map(([first, bits]) => parseNetwork(first, String(bits))).filter((range) => range !== undefined)

/** Whether an address is of the Internet: of IPv6 what is given out for it (2000::/3). */
export function outside(address: Address): boolean {
  return address.length === 1 ? !RANGES.some((range) => within(range, address)) : address[0] >>> 29 === 1
}
