/** Threats as text for other programs and people: CSV, JSON, or indicators that nobody opens by mistake. Pure. */

import { PROTOCOLS, REASONS, SEVERITIES } from '../../model/vocabulary'
import type { Threat } from '../../model/threat'
import type { Format } from '../messages'

/** How a file is put together. */
export interface Writing {
  readonly head: string
  readonly row: (threat: Threat) => string
  readonly between: string
  readonly tail: string
}

export function writing(format: Format): Writing {
  switch (format) {
    case 'csv':
      return { head: `${Object.keys(FIELDS).join(',')}\r\n`, row: csvRow, between: '\r\n', tail: '\r\n' }
    case 'json':
      return { head: '[\n', row: (threat) => JSON.stringify(plain(threat)), between: ',\n', tail: '\n]\n' }
    case 'defanged':
      return { head: '', row: defangedRow, between: '\n', tail: '\n' }
  }
}

const instant = (seconds: number): string => new Date(1000 * seconds).toISOString().replace('.000Z', 'Z')

/** What is written of a threat, by name. */
const FIELDS = {
  threat: (of: Threat) => of.id,
  score: (of: Threat) => of.score,
  severity: (of: Threat) => SEVERITIES[of.severity] ?? '',
  site: (of: Threat) => of.site,
  source: (of: Threat) => of.source,
  type: (of: Threat) => of.kind,
  indicator: (of: Threat) => of.indicator,
  seen_as: (of: Threat) => of.shown,
  info: (of: Threat) => of.info,
  reference: (of: Threat) => of.reference,
  protocol: (of: Threat) => PROTOCOLS.get(of.protocol) ?? String(of.protocol),
  events: (of: Threat) => of.count,
  first: (of: Threat) => instant(of.first),
  last: (of: Threat) => instant(of.last),
  destinations: (of: Threat) => of.destinations.values,
  more_destinations: (of: Threat) => of.destinations.more,
  ports: (of: Threat) => of.ports.values,
  more_ports: (of: Threat) => of.ports.more,
  sensors: (of: Threat) => of.sensors.values,
  evidence: (of: Threat) => REASONS.filter(({ bit }) => (of.reasons & bit) !== 0).map(({ name }) => name),
  status: (of: Threat) => of.triage?.status ?? 'open',
  assignee: (of: Threat) => of.triage?.assignee ?? '',
  tags: (of: Threat) => of.triage?.tags ?? [],
} as const satisfies Record<string, (of: Threat) => string | number | readonly (string | number)[]>

function plain(threat: Threat): Record<string, unknown> {
  return Object.fromEntries(Object.entries(FIELDS).map(([name, of]) => [name, of(threat)]))
}

function csvRow(threat: Threat): string {
  return Object.values(FIELDS)
    .map((of) => {
      const value = of(threat)
      return cell(typeof value === 'object' ? value.join(' ') : String(value))
    })
    .join(',')
}

/** A cell of CSV (RFC 4180). Spreadsheets take what begins like that for a formula: the quote before it makes it text. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

function defangedRow(threat: Threat): string {
  const parts = [threat.kind, defanged(threat.indicator), threat.info, `from ${defanged(threat.source)}`, `${threat.count} events`]
  return [...parts, `${instant(threat.first)} to ${instant(threat.last)}`].map(oneLine).join('  ')
}

/** Text of others must not begin lines of its own. */
const oneLine = (text: string): string => text.replaceAll(/[\r\n\u2028\u2029]+/g, ' ')

/** An indicator that is no link any more: `hxxp://evil[.]example`. The search reads it as it was. */
export function defanged(text: string): string {
  return text.replace(/^http(?=s?:)/i, 'hxxp').replaceAll('.', '[.]').replace(/^([0-9a-f]*):/i, '$1[:]')
}
