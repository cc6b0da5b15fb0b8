/**
 * What only knocks from outside, at addresses as such: scanners, reputation lists, port scans. It is counted by class and
 * folded away, unless it was asked for. Attacks on what a server offers (URL, PATH, UA ...) are none of it.
 */

import { DIRECTIONS, KINDS } from '../../model/vocabulary'
import { NOISE, type Noise, type NoiseClass, type Query } from '../../model/threat'
import type { Threats } from '../table/threats'
import type { Mask } from './filter'

const OURS = DIRECTIONS.outbound | DIRECTIONS.lateral
const HIGH = 2
/** Kinds that are about an address and nothing that was sent. */
const BARE: readonly number[] = (['IP', 'PORT'] as const).map((kind) => KINDS.indexOf(kind))

/** Classes of trails as classes of noise. */
const CLASSES: ReadonlyMap<string, NoiseClass> = new Map([
  ['scanner', 'scanner'],
  ['attacker', 'attacker'],
  ['suspicious', 'reputation'],
  ['anonymizer', 'anonymizer'],
])

/** Whether noise is to be folded, and whether something was looked for. */
type Asked = Pick<Query, 'noise'> & { readonly looked: boolean }

/** Counts noise among the rows of a mask and takes out what is not asked for. */
export function fold(threats: Threats, mask: Mask, { noise, looked }: Asked): { readonly noise: readonly Noise[]; readonly folded: boolean } {
  const { classes, counted, others } = count(threats, mask)
  // Nothing is hidden from who looks for it and for nothing else.
  const folded = noise === 'folded' && (others > 0 || !looked)
  const only = NOISE.findIndex((name) => name === noise)
  if (folded || only >= 0) {
    for (let row = 0; row < mask.length; row++) {
      const among = classes[row]!
      if (folded ? among > 0 : among !== only + 1) mask[row] = 0
    }
  }
  return { noise: counted, folded: folded && counted.length > 0 }
}

interface Counted {
  /** 1 + place in NOISE of each row that is noise. */
  readonly classes: Uint8Array
  readonly counted: readonly Noise[]
  /** Rows that are none. */
  readonly others: number
}

function count(threats: Threats, mask: Mask): Counted {
  const { directions, host, hosts, count: counts, last } = threats
  const classOf = classesOf(threats)
  const classes = new Uint8Array(mask.length)
  const sums = NOISE.map((name) => ({ class: name, threats: 0, events: 0, hosts: 0, last: 0 }))
  // A bit for each class that a host is in.
  const seen = new Uint8Array(hosts.size)
  let others = 0
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] === 0) continue
    const among = (directions[row]! & OURS) === 0 ? classOf(row) : 0
    if (among === 0) {
      others++
      continue
    }
    classes[row] = among
    const sum = sums[among - 1]!
    sum.threats++
    sum.events += counts[row]!
    sum.last = Math.max(sum.last, last[row]!)
    const bit = 1 << (among - 1)
    if ((seen[host[row]!]! & bit) === 0) sum.hosts++
    seen[host[row]!]! |= bit
  }
  return { classes, counted: sums.filter((sum) => sum.threats > 0), others }
}

/** What a row is if it only came from outside: 0, or 1 + place in NOISE. */
function classesOf(threats: Threats): (row: number) => number {
  const { labels, label, subjects, subject, texts } = threats
  const ofLabel = Uint8Array.from(labels.all, (each) => 1 + NOISE.indexOf(CLASSES.get(texts.get(each.class)) ?? 'other'))
  const severities = Uint8Array.from(labels.all, (each) => each.severity)
  const scan = 1 + NOISE.indexOf('scan')
  const port = KINDS.indexOf('PORT')
  return (row) => {
    const kind = subjects.second[subject[row]!]! & 15
    const severity = severities[label[row]!]!
    if (severity === HIGH || (severity > 0 && !BARE.includes(kind))) return 0
    return kind === port ? scan : ofLabel[label[row]!]!
  }
}
