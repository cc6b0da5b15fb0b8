/** A file that tells countries of IPv4 networks, in MaxMind's form (version 2.0): made for tests, a tree and a few records. */

/** `203.0.113.0/24` and its country. */
export type Placed = readonly [network: string, country: string]

const UTF8 = 2
const MAP = 7
const RECORD_BYTES = 3
/** Bytes of zeros between tree and records. */
const GAP = 16
const MARK = Buffer.from([0xab, 0xcd, 0xef, ...Buffer.from('MaxMind.com')])

/** The bytes of such a file. */
export function placed(networks: readonly Placed[]): Buffer {
  const tree: [number, number][] = [[0, 0]]
  const records: Buffer[] = []
  let used = 0
  const pending: { node: number; side: number; at: number }[] = []
  for (const [network, country] of networks) {
    const record = map([['country', map([['iso_code', text(country)]])]])
    const [address = '', length = '32'] = network.split('/')
    const bits = address.split('.').reduce((value, octet) => value * 256 + Number(octet), 0)
    let node = 0
    for (let bit = 0; bit < Number(length); bit++) {
      const side = (bits >>> (31 - bit)) & 1
      if (bit + 1 === Number(length)) pending.push({ node, side, at: used })
      else {
        if (tree[node]![side] === 0) tree[node]![side] = tree.push([0, 0]) - 1
        node = tree[node]![side]!
      }
    }
    records.push(record)
    used += record.length
  }
  const count = tree.length
  // Nothing is known where no network goes on.
  const ends = tree.map((sides) => sides.map((side) => (side === 0 ? count : side)))
  for (const { node, side, at } of pending) ends[node]![side] = count + GAP + at
  const written = Buffer.alloc(2 * RECORD_BYTES * count)
  ends.forEach((sides, node) => sides.forEach((side, at) => written.writeUIntBE(side, RECORD_BYTES * (2 * node + at), RECORD_BYTES)))
  return Buffer.concat([written, Buffer.alloc(GAP), ...records, MARK, about(count)])
}

function about(count: number): Buffer {
  return map([
    ['binary_format_major_version', number(5, 2)],
    ['binary_format_minor_version', number(5, 0)],
    ['build_epoch', number(9, 1_700_000_000)],
    ['database_type', text('Test-Country')],
    ['ip_version', number(5, 4)],
    ['node_count', number(6, count)],
    ['record_size', number(5, 8 * RECORD_BYTES)],
  ])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([(UTF8 << 5) | bytes.length]), bytes])
}

/** Unsigned numbers: kind 5 of 16 bits, 6 of 32, 9 (an extended one) of 64. */
function number(kind: 5 | 6 | 9, value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  const used = kind === 5 ? bytes.subarray(2) : bytes
  return Buffer.concat([Buffer.from(kind === 9 ? [used.length, kind - 7] : [(kind << 5) | used.length]), used])
}

function map(entries: readonly (readonly [string, Buffer])[]): Buffer {
  return Buffer.concat([Buffer.from([(MAP << 5) | entries.length]), ...entries.flatMap(([key, value]) => [text(key), value])])
}
