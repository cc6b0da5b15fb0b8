/** Rows joined by host, family or trail. */

import { formatAddress } from '../../model/address'
import type { Group, Grouping, Sort, Threat } from '../../model/threat'
import { sortByKey } from '../table/radix'
import type { Threats } from '../table/threats'

/** Groups in their order. */
export class GroupRows {
  constructor(
    private readonly sums: Sums,
    private readonly order: Uint32Array,
    private readonly key: (group: number) => string,
  ) {}

  get length(): number {
    return this.order.length
  }

  /** Groups from..to. */
  page(from: number, to: number, threat: (row: number) => Threat): Group[] {
    const { sums } = this
    return Array.from(this.order.subarray(from, to), (group) => ({
      key: this.key(group),
      threats: sums.threats[group]!,
      events: sums.events[group]!,
      severity: sums.severity[group]!,
      score: sums.score[group]!,
      first: sums.first[group]!,
      last: sums.last[group]!,
      hosts: sums.hosts[group]!,
      worst: threat(sums.worst[group]!),
    }))
  }
}

/** Figures of groups, by the number of what joins them. */
class Sums {
  readonly threats: Uint32Array
  readonly events: Float64Array
  readonly severity: Uint8Array
  readonly score: Uint8Array
  readonly first: Uint32Array
  readonly last: Uint32Array
  readonly hosts: Uint32Array
  readonly worst: Uint32Array

  constructor(size: number) {
    this.threats = new Uint32Array(size)
    this.events = new Float64Array(size)
    this.severity = new Uint8Array(size)
    this.score = new Uint8Array(size)
    this.first = new Uint32Array(size).fill(0xffffffff)
    this.last = new Uint32Array(size)
    this.hosts = new Uint32Array(size)
    this.worst = new Uint32Array(size)
  }
}

/** Joins rows, which come in order of rank. */
export function groups(threats: Threats, rows: Uint32Array, grouping: Grouping, sort: Sort): GroupRows {
  const { of, size, key } = joining(threats, grouping)
  const sums = new Sums(size)
  const used: number[] = []
  const { label, labels } = threats
  const severities = Uint8Array.from(labels.all, ({ severity }) => severity)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!
    const group = of(row)
    if (sums.threats[group]!++ === 0) {
      used.push(group)
      sums.worst[group] = row
    }
    sums.events[group]! += threats.count[row]!
    sums.severity[group] = Math.max(sums.severity[group]!, severities[label[row]!]!)
    sums.score[group] = Math.max(sums.score[group]!, threats.score[row]!)
    sums.first[group] = Math.min(sums.first[group]!, threats.first[row]!)
    sums.last[group] = Math.max(sums.last[group]!, threats.last[row]!)
  }
  if (grouping === 'host') for (const group of used) sums.hosts[group] = 1
  else countHosts(sums, threats, rows, of)
  return new GroupRows(sums, ordered(sums, Uint32Array.from(used), sort), key)
}

/** Counts different hosts of each group: rows are put together by group, and each host remembers the group it was in last. */
function countHosts(sums: Sums, threats: Threats, rows: Uint32Array, of: (row: number) => number): void {
  const starts = new Uint32Array(sums.threats.length)
  for (let group = 0, at = 0; group < starts.length; group++) {
    starts[group] = at
    at += sums.threats[group]!
  }
  const hosts = new Uint32Array(rows.length)
  const { host } = threats
  for (let i = 0; i < rows.length; i++) hosts[starts[of(rows[i]!)]!++] = host[rows[i]!]!
  // Groups of a host, plus 1.
  const seen = new Uint32Array(threats.hosts.size)
  for (let group = 0, at = 0; group < starts.length; group++) {
    for (const end = starts[group]!; at < end; at++) {
      if (seen[hosts[at]!] === group + 1) continue
      seen[hosts[at]!] = group + 1
      sums.hosts[group]!++
    }
  }
}

interface Joining {
  /** The group of a row. */
  readonly of: (row: number) => number
  /** Groups have numbers below it. */
  readonly size: number
  readonly key: (group: number) => string
}

function joining(threats: Threats, grouping: Grouping): Joining {
  const { hosts, addresses, subjects, label, labels, texts } = threats
  switch (grouping) {
    case 'host':
      return {
        of: (row) => hosts.first[threats.host[row]!]!,
        size: addresses.limit,
        key: (group) => formatAddress(addresses.get(group)),
      }
    case 'family': {
      const families = Uint32Array.from(labels.all, ({ family }) => family)
      return { of: (row) => families[label[row]!]!, size: texts.size, key: (group) => texts.get(group) }
    }
    default:
      return { of: (row) => subjects.first[threats.subject[row]!]!, size: texts.size, key: (group) => texts.get(group) }
  }
}

/** Groups stand in the order of their worst threats; a key stands before that. */
function ordered(sums: Sums, groups: Uint32Array<ArrayBuffer>, { by, descending }: Sort): Uint32Array {
  const column = keys(sums, by)
  if (column === undefined) return descending ? groups.reverse() : groups
  return sortByKey(groups, column, descending)
}

function keys(sums: Sums, by: Sort['by']): Uint32Array | undefined {
  switch (by) {
    case 'count':
      return Uint32Array.from(sums.events, (events) => Math.min(events, 0xffffffff))
    case 'threats':
      return sums.threats
    case 'hosts':
      return sums.hosts
    case 'first':
      return sums.first
    case 'last':
      return sums.last
    case 'score':
      return Uint32Array.from(sums.score)
    case 'severity':
      return Uint32Array.from(sums.severity)
    default:
      return undefined
  }
}
