/**
 * How sure it is that someone should look, worked out as the server does it. Chunks bring it; it is worked out here for
 * threats that are merged of several days or change while the page is open.
 */

import { DIRECTIONS } from '../../model/vocabulary'

const BIT = {
  outbound: 1,
  inboundOnly: 1 << 1,
  lateral: 1 << 2,
  malware: 1 << 3,
  custom: 1 << 4,
  heuristic: 1 << 5,
  repeated: 1 << 6,
  persistent: 1 << 7,
  regular: 1 << 8,
  severalSensors: 1 << 9,
  severalLists: 1 << 10,
  shared: 1 << 11,
  sinkholed: 1 << 12,
  wide: 1 << 13,
  doubtful: 1 << 14,
  retro: 1 << 15,
} as const

/** What follows from the label alone. */
export interface LabelEvidence {
  readonly score: number
  readonly reasons: number
}

/** Score of the severity where the class is not told (lines of others). */
const ASSUMED = [30, 50, 70] as const
const CUSTOM: readonly string[] = ['(custom)', '(remote custom)']
const SHARED: readonly string[] = ['dynamic_dns', 'free_web', 'ip_info']
const SPENT: readonly string[] = ['sinkhole', 'parking']

const plain = (list: string): string => list.replace(/^[()]+|[()]+$/g, '')

/** The lists that a reference names: of `(static) (+feed,other)` `static`, `feed` and `other`. */
export function listsOf(reference: string): string[] {
  const at = reference.indexOf(' (+')
  const [main, others] = at < 0 ? [reference, ''] : [reference.slice(0, at), reference.slice(at + 3)]
  return [main, ...others.split(',')].map(plain).filter((list) => list !== '')
}

function isCustom(reference: string): boolean {
  const main = reference.split(' (+')[0] ?? ''
  const own = CUSTOM.map(plain)
  return CUSTOM.includes(main) || listsOf(reference).slice(1).some((list) => own.includes(list))
}

/** Of what a trail says. */
export function labelEvidence(label: { severity: number; confidence: number; class: string; reference: string }): LabelEvidence {
  const { severity, confidence, reference } = label
  let score = Math.floor((confidence === 0 ? ASSUMED[severity] ?? 0 : confidence) / 2)
  let reasons = 0
  const weigh = (bit: number, when: boolean, weight: number): void => {
    if (!when) return
    reasons |= bit
    score += weight
  }
  weigh(BIT.malware, label.class === 'malware', 10)
  weigh(BIT.custom, isCustom(reference), 10)
  weigh(BIT.heuristic, reference === '(heuristic)', -10)
  weigh(BIT.severalLists, listsOf(reference).length > 1, 5)
  weigh(BIT.shared, SHARED.includes(label.class), -10)
  weigh(BIT.sinkholed, SPENT.includes(label.class), 0)
  weigh(BIT.doubtful, confidence > 0 && confidence < 50, 0)
  return { score, reasons }
}

/** What is known of a threat besides its label. */
export interface Facts {
  readonly directions: number
  readonly count: number
  /** Hour slots with events, ascending, and their counts. */
  readonly slots: readonly (readonly [slot: number, count: number])[]
  readonly destinations: number
  readonly ports: number
  readonly sensors: number
  /** One of them stands for what was seen before it was listed. */
  readonly retro: boolean
  /** It is a port that was found: scans. */
  readonly isPort: boolean
}

/** Slots with events, and whether those between the first and the last are all used about evenly. */
function rhythm(slots: Facts['slots']): { active: number; regular: boolean } {
  const active = slots.length
  const [first, last] = [slots[0], slots[active - 1]]
  if (first === undefined || last === undefined || active < 6 || last[0] - first[0] + 1 !== active) return { active, regular: false }
  const counts = slots.map(([, count]) => count)
  return { active, regular: Math.max(...counts) <= 2 * Math.min(...counts) }
}

/** Score, 0 to 100, and reasons of a threat. */
export function evidence(label: LabelEvidence, facts: Facts): LabelEvidence {
  let { score, reasons } = label
  const weigh = (bit: number, when: boolean, weight: number): void => {
    if (!when) return
    reasons |= bit
    score += weight
  }
  const outbound = (facts.directions & DIRECTIONS.outbound) !== 0
  const lateral = (facts.directions & DIRECTIONS.lateral) !== 0
  weigh(BIT.outbound, outbound, 20)
  weigh(BIT.lateral, lateral, outbound ? 0 : 15)
  weigh(BIT.inboundOnly, !outbound && !lateral, -10)
  weigh(BIT.repeated, facts.count >= 10, 5)
  const { active, regular } = rhythm(facts.slots)
  weigh(BIT.persistent, active >= 4, 5)
  weigh(BIT.regular, regular, 5)
  weigh(BIT.severalSensors, facts.sensors > (facts.retro ? 2 : 1), 5)
  weigh(BIT.retro, facts.retro, 0)
  weigh(BIT.wide, facts.destinations >= 16 || facts.ports >= 16, facts.isPort ? 5 : 0)
  return { score: Math.min(100, Math.max(0, score)), reasons }
}
