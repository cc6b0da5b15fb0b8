/** What a search finds, asked of one plain threat: the version that columns are held against. */

import { formatAddress, parseAddress, within, type Range } from '../model/address'
import type { Threat } from '../model/threat'
import { KINDS } from '../model/vocabulary'
import type { Node } from './parse'
import { atOrBelow, fold, matches, type Pattern, type Span, type Test } from './terms'

export function finds(node: Node | undefined, threat: Threat): boolean {
  switch (node?.kind) {
    case undefined:
      return true
    case 'and':
      return node.of.every((of) => finds(of, threat))
    case 'or':
      return node.of.some((of) => finds(of, threat))
    case 'not':
      return !finds(node.of, threat)
    case 'test':
      return is(node.test, threat)
  }
}

const has = (patterns: readonly Pattern[], ...texts: string[]): boolean => texts.some((text) => patterns.some((pattern) => matches(pattern, fold(text))))
const spans = (within: readonly Span[], ...values: number[]): boolean => values.some((value) => within.some(({ first, last }) => first <= value && value <= last))
const inside = (ranges: readonly Range[], ...texts: string[]): boolean =>
  texts.some((text) => {
    const address = parseAddress(text)
    return address !== undefined && ranges.some((range) => within(range, address))
  })

/** The address an indicator is or begins with. */
function addressIn(indicator: string): string {
  const first = indicator.split(/[ /(]/, 1)[0]!
  if (parseAddress(first) !== undefined) return first
  const host = first.replace(/:[0-9]{1,5}$/, '')
  return host.includes(':') && !host.startsWith('[') ? '' : host
}

function is(test: Test, threat: Threat): boolean {
  const { triage } = threat
  switch (test.on) {
    case 'address':
      return inside(test.ranges, threat.source, ...threat.destinations.values, addressIn(threat.indicator))
    case 'source':
      return inside(test.ranges, threat.source)
    case 'destination':
      return inside(test.ranges, ...threat.destinations.values)
    case 'port':
      return spans(test.spans, ...threat.ports.values)
    case 'count':
      return spans(test.spans, threat.count)
    case 'score':
      return spans(test.spans, threat.score)
    case 'notes':
      return spans(test.spans, triage?.notes ?? 0)
    case 'protocol':
      return test.values.includes(threat.protocol)
    case 'kind':
      return test.values.includes(KINDS.indexOf(threat.kind))
    case 'severity':
      return test.values.includes(threat.severity)
    case 'direction':
      return (threat.directions & test.bits) !== 0
    case 'status':
      return test.values.includes(triage?.status ?? 'open')
    case 'name':
      return test.names.some((name) => atOrBelow(fold(threat.indicator), name))
    case 'indicator':
      return has(test.patterns, threat.indicator)
    case 'info':
      return has(test.patterns, threat.info)
    case 'family':
      return has(test.patterns, threat.family)
    case 'sensor':
      return has(test.patterns, ...threat.sensors.values)
    case 'tag':
      return has(test.patterns, ...(triage?.tags ?? []))
    case 'assignee':
      return triage !== undefined && triage.assignee !== '' && has(test.patterns, triage.assignee)
    case 'threat':
      return test.ids.includes(threat.id)
    case 'text':
      return text(test.patterns, threat)
  }
}

function text(patterns: readonly Pattern[], threat: Threat): boolean {
  const { indicator, shown, info, reference, kind, site, source, sensors, destinations } = threat
  const unmarked = shown === indicator ? shown : shown.replaceAll(/[()]/g, '')
  const texts = [indicator, shown, unmarked, info, reference, kind, site, ...sensors.values]
  const addresses = [source, ...destinations.values].map((address) => formatAddress(parseAddress(address)!))
  return has(patterns, ...texts, ...addresses)
}
