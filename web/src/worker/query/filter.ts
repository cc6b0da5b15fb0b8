/**
 * Which rows a query finds: a byte for each row, 1 or 0. A term is asked of dictionaries, once for each value, and then
 * looked up for each row; AND, OR and NOT go over the bytes.
 *
 * Of destinations, ports and sensors only those are asked that chunks tell: the first ones of a row, and how many more.
 */

import { formatAddress, parseAddress, within, type Address, type Range } from '../../model/address'
import { KINDS, STATUSES, type Status } from '../../model/vocabulary'
import type { Node } from '../../search/parse'
import { fold, matches, type Pattern, type Span, type Test } from '../../search/terms'
import type { Threats } from '../table/threats'
import type { TriageRows } from '../table/triage'
import { nameMask, textMask } from './textmask'
import { Unmarked } from './unmarked'

export type Mask = Uint8Array

/** Asks a table. */
export class Filter {
  private readonly unmarked: Unmarked

  constructor(
    private readonly threats: Threats,
    private readonly triage: TriageRows,
  ) {
    this.unmarked = new Unmarked(threats.texts)
  }

  /** Rows that a query finds; nothing written finds all. */
  mask(node: Node | undefined): Mask {
    if (node === undefined) return new Uint8Array(this.threats.rows).fill(1)
    switch (node.kind) {
      case 'test':
        return this.test(node.test)
      case 'not': {
        const mask = this.mask(node.of)
        for (let row = 0; row < mask.length; row++) mask[row]! ^= 1
        return mask
      }
      case 'and':
      case 'or': {
        const [first, ...others] = node.of.map((of) => this.mask(of))
        for (const other of others) join(first!, other, node.kind)
        return first!
      }
    }
  }

  private test(test: Test): Mask {
    const { threats } = this
    switch (test.on) {
      case 'source':
        return this.byHost(this.sources(test.ranges))
      case 'destination':
        return this.bySet(0, this.inRanges(test.ranges))
      case 'address':
        return this.address(test.ranges)
      case 'port':
        return this.ports(test.spans)
      case 'count':
        return this.rows((row) => inSpans(test.spans, threats.count[row]!))
      case 'score':
        return this.rows((row) => inSpans(test.spans, threats.score[row]!))
      case 'protocol':
        return byValue(threats.protocol, threats.rows, bytes(256, (value) => test.values.includes(value)))
      case 'direction':
        return byValue(threats.directions, threats.rows, bytes(16, (bits) => (bits & test.bits) !== 0))
      case 'kind':
        return this.bySubject((_, kind) => test.values.includes(kind))
      case 'severity':
        return this.byLabel((number) => test.values.includes(threats.labels.all[number]!.severity))
      default:
        return this.word(test)
    }
  }

  private word(test: Exclude<Test, { on: 'source' | 'destination' | 'address' | 'port' | 'count' | 'score' | 'protocol' | 'direction' | 'kind' | 'severity' }>): Mask {
    const { threats } = this
    const { labels, texts } = threats
    switch (test.on) {
      case 'name': {
        const mask = nameMask(texts, test.names)
        return this.bySubject((text) => mask[text] === 1)
      }
      case 'indicator': {
        const mask = textMask(texts, test.patterns)
        return this.bySubject((text) => mask[text] === 1)
      }
      case 'info': {
        const mask = textMask(texts, test.patterns)
        return this.byLabel((number) => mask[labels.all[number]!.info] === 1)
      }
      case 'family': {
        const mask = textMask(texts, test.patterns)
        return this.byLabel((number) => mask[labels.all[number]!.family] === 1)
      }
      case 'sensor':
        return this.bySet(2, textMask(texts, test.patterns))
      case 'text':
        return this.text(test.patterns)
      case 'threat':
        return this.only(this.triage.ids.rowsOf(test.ids).values())
      case 'status':
        return this.status(test.values)
      case 'notes': {
        const found = this.triage.rowsWhere((triage) => inSpans(test.spans, triage.notes))
        return this.decided(found, inSpans(test.spans, 0))
      }
      case 'tag':
        return this.only(this.triage.rowsWhere((triage) => triage.tags.some((tag) => some(test.patterns, tag))))
      case 'assignee':
        return this.only(this.triage.rowsWhere((triage) => triage.assignee !== '' && some(test.patterns, triage.assignee)))
    }
  }

  /** Text wherever it may stand of what is here. */
  private text(patterns: readonly Pattern[]): Mask {
    const { threats } = this
    const { texts, labels, hosts } = threats
    const has = textMask(texts, patterns)
    const kinds = KINDS.map((kind) => some(patterns, kind))
    const byLabel = bytes(labels.all.length, (number) => {
      const label = labels.all[number]!
      return has[label.info] === 1 || has[label.reference] === 1
    })
    const bySubject = bytes(threats.subjects.size, (number) => {
      return has[threats.subjects.first[number]!] === 1 || kinds[threats.subjects.second[number]! & 15] === true
    })
    const addresses = this.addressesLike(patterns)
    const byHost = bytes(hosts.size, (number) => has[hosts.second[number]!] === 1 || addresses?.[hosts.first[number]!] === 1)
    const shown = has.slice()
    this.unmarked.add(shown, patterns)
    const mask = new Uint8Array(threats.rows)
    const { label, subject, host } = threats
    for (let row = 0; row < mask.length; row++) {
      const text = threats.shown[row]!
      mask[row] = byLabel[label[row]!]! | bySubject[subject[row]!]! | byHost[host[row]!]! | (text === 0 ? 0 : shown[text - 1]!)
    }
    join(mask, this.bySet(2, has), 'or')
    if (addresses !== undefined) join(mask, this.bySet(0, addresses), 'or')
    return mask
  }

  /** Addresses whose text has a pattern; none where no address can have one. */
  private addressesLike(patterns: readonly Pattern[]): Mask | undefined {
    const possible = patterns.filter(({ text }) => /^[0-9a-f.:*]+$/.test(text))
    if (possible.length === 0) return undefined
    // Letters and colons stand in IPv6 alone.
    const v4 = possible.some(({ text }) => /^[0-9.*]+$/.test(text))
    const { addresses } = this.threats
    return bytes(addresses.limit, (number) => {
      if (!addresses.has(number) || (!v4 && (number & 1) === 0)) return false
      const text = formatAddress(addresses.get(number))
      return possible.some((pattern) => matches(pattern, text))
    })
  }

  private inRanges(ranges: readonly Range[]): Mask {
    const { addresses } = this.threats
    return bytes(addresses.limit, (number) => addresses.has(number) && ranges.some((range) => within(range, addresses.get(number))))
  }

  private sources(ranges: readonly Range[]): Mask {
    const { addresses, hosts } = this.threats
    return bytes(hosts.size, (number) => {
      const address = addresses.get(hosts.first[number]!)
      return ranges.some((range) => within(range, address))
    })
  }

  /** As source, destination, or what was matched. */
  private address(ranges: readonly Range[]): Mask {
    const mask = this.byHost(this.sources(ranges))
    join(mask, this.bySet(0, this.inRanges(ranges)), 'or')
    const { texts } = this.threats
    join(mask, this.bySubject((text) => addressWithin(texts.get(text), ranges)), 'or')
    return mask
  }

  private ports(spans: readonly Span[]): Mask {
    return this.bySet(1, bytes(1 << 16, (port) => inSpans(spans, port)))
  }

  private byHost(hosts: Mask): Mask {
    return byValue(this.threats.host, this.threats.rows, hosts)
  }

  private byLabel(has: (label: number) => boolean): Mask {
    const { labels, label, rows } = this.threats
    return byValue(label, rows, bytes(labels.all.length, has))
  }

  private bySubject(has: (text: number, kind: number) => boolean): Mask {
    const { subjects, subject, rows } = this.threats
    return byValue(subject, rows, bytes(subjects.size, (number) => has(subjects.first[number]!, subjects.second[number]! & 15)))
  }

  /** Rows with a value in one of their sets. */
  private bySet(which: 0 | 1 | 2, values: Mask): Mask {
    const { rows, setAt, setLength, setValues } = this.threats
    const mask = new Uint8Array(rows)
    if (!values.includes(1)) return mask
    // Lengths of the sets before this one, added.
    const before = Uint8Array.from({ length: 256 }, (_, lengths) => (which > 0 ? lengths & 15 : 0) + (which > 1 ? lengths >> 4 : 0))
    const shift = 4 * which
    for (let row = 0; row < rows; row++) {
      const lengths = setLength[row]!
      let at = setAt[row]! + before[lengths & 255]!
      const end = at + ((lengths >> shift) & 15)
      while (at < end && values[setValues[at]!] === 0) at++
      mask[row] = at < end ? 1 : 0
    }
    return mask
  }

  private status(values: readonly Status[]): Mask {
    const found = this.triage.rowsWhere((triage) => values.includes(triage.status))
    return this.decided(found, values.includes(STATUSES[0]))
  }

  /** Rows that were found; those nobody decided about are as `undecided` says. */
  private decided(found: Iterable<number>, undecided: boolean): Mask {
    const mask = this.only(undecided ? this.triage.rowsWhere(() => true) : [])
    if (undecided) for (let row = 0; row < mask.length; row++) mask[row]! ^= 1
    for (const row of found) mask[row] = 1
    return mask
  }

  private only(rows: Iterable<number>): Mask {
    const mask = new Uint8Array(this.threats.rows)
    for (const row of rows) mask[row] = 1
    return mask
  }

  private rows(has: (row: number) => boolean): Mask {
    return bytes(this.threats.rows, has)
  }
}

/** The address a text is or begins with: `192.0.2.7:443`, `[2001:db8::7]:443`, `192.0.2.7/x`, `192.0.2.7 (name)`. */
export function addressWithin(text: string, ranges: readonly Range[]): boolean {
  if (!/^[0-9a-f:[]/i.test(text)) return false
  const first = text.split(/[ /(]/, 1)[0] ?? ''
  const address = parseHost(first)
  return address !== undefined && ranges.some((range) => within(range, address))
}

/** An address, with its port or without. */
function parseHost(text: string): Address | undefined {
  const host = /^(.*):[0-9]{1,5}$/s.exec(text)?.[1] ?? ''
  return parseAddress(text) ?? (host.includes(':') === host.startsWith('[') ? parseAddress(host) : undefined)
}

function some(patterns: readonly Pattern[], text: string): boolean {
  const folded = fold(text)
  return patterns.some((pattern) => matches(pattern, folded))
}

export function inSpans(spans: readonly Span[], value: number): boolean {
  return spans.some(({ first, last }) => first <= value && value <= last)
}

function bytes(length: number, has: (number: number) => boolean): Mask {
  const mask = new Uint8Array(length)
  for (let number = 0; number < length; number++) if (has(number)) mask[number] = 1
  return mask
}

function byValue(column: Uint8Array | Uint32Array, rows: number, values: Mask): Mask {
  const mask = new Uint8Array(rows)
  for (let row = 0; row < rows; row++) mask[row] = values[column[row]!]!
  return mask
}

function join(to: Mask, other: Mask, how: 'and' | 'or'): void {
  if (how === 'and') for (let row = 0; row < to.length; row++) to[row]! &= other[row]!
  else for (let row = 0; row < to.length; row++) to[row]! |= other[row]!
}
