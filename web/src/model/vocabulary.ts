/** Words and numbers of the server's chunks and events, in its order. */

export const KINDS = ['DNS', 'IP', 'IPORT', 'URL', 'PATH', 'HTTP', 'UA', 'PORT', 'CERT', 'JA3', 'JA4', 'TUNNEL', 'BEACON'] as const
export type Kind = (typeof KINDS)[number]

export const SEVERITIES = ['low', 'medium', 'high'] as const
export type Severity = (typeof SEVERITIES)[number]

/** Bits of a threat's directions. */
export const DIRECTIONS = { outbound: 1, inbound: 2, lateral: 4, transit: 8 } as const
export type Direction = keyof typeof DIRECTIONS

export const STATUSES = ['open', 'investigating', 'resolved', 'ignored', 'false'] as const
export type Status = (typeof STATUSES)[number]

/** Stands for a sensor where what was seen before it was listed is told. */
export const RETRO_SENSOR = '(retro)'

/** Bits of reasons, each with the words for it. */
export const REASONS = [
  { bit: 1, name: 'outbound', words: 'a local host asked for it' },
  { bit: 1 << 1, name: 'inbound only', words: 'it only came from outside: less sure' },
  { bit: 1 << 2, name: 'lateral', words: 'between local hosts' },
  { bit: 1 << 3, name: 'malware', words: 'named malware' },
  { bit: 1 << 4, name: 'custom', words: 'listed by a trail of your own' },
  { bit: 1 << 5, name: 'heuristic', words: 'found by a rule of thumb, not listed: less sure' },
  { bit: 1 << 6, name: 'repeated', words: 'ten events or more' },
  { bit: 1 << 7, name: 'persistent', words: 'in four hours or more of the day' },
  { bit: 1 << 8, name: 'regular', words: 'about as often in six hours or more: a machine, not a person' },
  { bit: 1 << 9, name: 'several sensors', words: 'more than one sensor saw it' },
  { bit: 1 << 10, name: 'several lists', words: 'more than one list names it' },
  { bit: 1 << 11, name: 'shared', words: 'a shared or dynamic host: less sure' },
  { bit: 1 << 12, name: 'sinkholed', words: 'a sinkhole or parking site: the threat is spent, the infection may not be' },
  { bit: 1 << 13, name: 'wide', words: 'sixteen destinations or ports and more: a sweep' },
  { bit: 1 << 14, name: 'doubtful', words: "the trail's confidence is below a half: less sure" },
  { bit: 1 << 15, name: 'retro', words: 'touched before it was listed, and found when it was' },
] as const

/** Names of IP protocol numbers that are seen often; others are told by number. */
export const PROTOCOLS: ReadonlyMap<number, string> = new Map([
  [1, 'ICMP'],
  [2, 'IGMP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [41, 'IPv6'],
  [47, 'GRE'],
  [50, 'ESP'],
  [51, 'AH'],
  [58, 'ICMPv6'],
  [89, 'OSPF'],
  [132, 'SCTP'],
])
