/** What a query comes to: rows in order, the figures over them, and pages of them. */

import { DIRECTIONS, KINDS, STATUSES, type Status } from '../../model/vocabulary'
import type { Bin, Group, Query, Related, Sort, Summary, Threat, Tried } from '../../model/threat'
import { formatAddress } from '../../model/address'
import type { Node } from '../../search/parse'
import type { Threats } from '../table/threats'
import type { TriageRows } from '../table/triage'
import { Filter, type Mask } from './filter'
import { groups, type GroupRows } from './group'
import { fold } from './noise'
import { Orders } from './order'
import { alike } from './related'

const BY_RANK: Sort = { by: 'rank', descending: false }

/** Asks a table and what people decided about its rows. */
export class View {
  private readonly orders: Orders
  private readonly filter: Filter
  /** Rows of the last query in their order, or its groups. */
  private order: Uint32Array = new Uint32Array(0)
  private grouped: GroupRows | undefined

  constructor(
    private readonly threats: Threats,
    private readonly triage: TriageRows,
  ) {
    this.orders = new Orders(threats)
    this.filter = new Filter(threats, triage)
  }

  /** Answers a query; `node` is its search. `now` tells milliseconds. */
  answer(query: Query, node: Node | undefined, now: () => number): Summary {
    const began = now()
    const mask = this.filter.mask(node)
    const noise = fold(this.threats, mask, { ...query, looked: node !== undefined })
    const bins = this.bins(mask)
    const slots = this.slots(query.range)
    if (slots !== undefined) this.within(mask, slots)
    const figures = this.figures(mask)
    this.grouped = undefined
    const sort = query.group === 'none' ? query.sort : BY_RANK
    this.order = this.sorted(mask, sort, figures.threats)
    if (query.group !== 'none') this.grouped = groups(this.threats, this.order, query.group, query.sort)
    const rows = this.grouped?.length ?? this.order.length
    return { ...figures, ...noise, ...this.fresh(mask), rows, bins, took: now() - began }
  }

  /** What a search would find; what is shown stays. */
  tried(node: Node | undefined): Extract<Tried, { of: number }> {
    const { threats, events, hosts, severity } = this.figures(this.filter.mask(node))
    return { threats, events, hosts, high: severity[2], of: this.threats.rows }
  }

  /** Threats from..to in the order of the last query, or groups. */
  page(from: number, to: number): Threat[] | Group[] {
    const { grouped } = this
    if (grouped !== undefined) {
      return grouped.page(from, to, (row) => this.threat(row))
    }
    return Array.from(this.order.subarray(from, to), (row) => this.threat(row))
  }

  /** Rows of the last query in their order; those of groups by rank. */
  found(): Uint32Array {
    return this.order
  }

  /** What has something in common with a row. */
  related(row: number): Related {
    const { host, subject, label, labels } = this.threats
    const ranked = this.orders.by(BY_RANK)
    const { family } = labels.all[label[row]!]!
    const rows = alike(ranked, row, {
      host: (other) => host[other] === host[row],
      indicator: (other) => subject[other] === subject[row],
      family: (other) => family !== 0 && labels.all[label[other]!]!.family === family,
    })
    const told = (found: { readonly first: readonly number[]; readonly all: number }): Related['host'] => ({
      threats: found.first.map((other) => this.threat(other)),
      all: found.all,
    })
    return { host: told(rows.host), indicator: told(rows.indicator), family: told(rows.family) }
  }

  /** Ids of the threats from..to of the last query. */
  idsOf(from: number, to: number): string[] {
    return Array.from(this.order.subarray(from, to), (row) => this.triage.ids.of(row))
  }

  /** A row as it is shown. */
  threat(row: number): Threat {
    const { threats } = this
    const { texts, labels, subjects, hosts, addresses } = threats
    const host = threats.host[row]!
    const subject = threats.subject[row]!
    const label = labels.all[threats.label[row]!]!
    const shown = threats.shown[row]!
    const indicator = texts.get(subjects.first[subject]!)
    const destinations = threats.set(row, 'destinations')
    const sensors = threats.set(row, 'sensors')
    const id = this.triage.ids.of(row)
    return {
      id,
      site: texts.get(hosts.second[host]!),
      source: formatAddress(addresses.get(hosts.first[host]!)),
      kind: KINDS[subjects.second[subject]! & 15]!,
      indicator,
      shown: shown === 0 ? indicator : texts.get(shown - 1),
      info: texts.get(label.info),
      family: texts.get(label.family),
      reference: texts.get(label.reference),
      class: texts.get(label.class),
      severity: label.severity,
      confidence: label.confidence,
      score: threats.score[row]!,
      reasons: threats.reasons[row]!,
      directions: threats.directions[row]!,
      protocol: threats.protocol[row]!,
      count: threats.count[row]!,
      lines: threats.lines[row]!,
      first: threats.first[row]!,
      last: threats.last[row]!,
      activity: this.activity(row),
      destinations: { values: destinations.values.map((number) => formatAddress(addresses.get(number))), more: destinations.more },
      ports: threats.set(row, 'ports'),
      sensors: { values: sensors.values.map((text) => texts.get(text)), more: sensors.more },
      triage: this.triage.get(id),
    }
  }

  private activity(row: number): number[] {
    const activity = new Array<number>(this.slotCount()).fill(0)
    for (const [slot, count] of this.threats.slotsOf(row)) activity[slot] = count
    return activity
  }

  private slotCount(): number {
    const last = this.threats.days.at(-1)
    return last === undefined ? 0 : last.base + last.slots
  }

  private sorted(mask: Mask, sort: Sort, count: number): Uint32Array {
    const order = this.orders.by(sort)
    const rows = new Uint32Array(count)
    let to = 0
    for (let i = 0; i < order.length; i++) {
      const row = order[i]!
      if (mask[row] === 1) rows[to++] = row
    }
    return rows
  }

  /** Slots that a range touches. */
  private slots(range: Query['range']): Uint8Array | undefined {
    if (range === undefined) return undefined
    const slots = new Uint8Array(this.slotCount())
    for (const day of this.threats.days) {
      for (let slot = 0; slot < day.slots; slot++) {
        const start = day.start + 3600 * slot
        if (start < range.to && start + 3600 > range.from) slots[day.base + slot] = 1
      }
    }
    return slots
  }

  /** Leaves rows with events in these slots. */
  private within(mask: Mask, slots: Uint8Array): void {
    const { slot, slotAt, slotLength, slotNumbers } = this.threats
    for (let row = 0; row < mask.length; row++) {
      if (mask[row] === 0 || slots[slot[row]!] === 1) continue
      let at = slotAt[row]!
      const end = at + slotLength[row]!
      while (at < end && slots[slotNumbers[at]!] === 0) at++
      if (at === end) mask[row] = 0
    }
  }

  private figures(mask: Mask): Omit<Summary, 'rows' | 'bins' | 'took' | 'noise' | 'folded' | 'fresh' | 'freshSince'> {
    const { threats } = this
    const { label, labels, subject, subjects, directions, host, count } = threats
    const severities = Uint8Array.from(labels.all, (each) => each.severity)
    const severity: [number, number, number] = [0, 0, 0]
    const kinds = new Array<number>(KINDS.length).fill(0)
    const byDirections = new Array<number>(16).fill(0)
    // 1: seen; 2: at risk as well.
    const hosts = new Uint8Array(threats.hosts.size)
    const ours = DIRECTIONS.outbound | DIRECTIONS.lateral
    let [found, events] = [0, 0]
    for (let row = 0; row < mask.length; row++) {
      if (mask[row] === 0) continue
      found++
      events += count[row]!
      const worst = severities[label[row]!]!
      severity[worst]!++
      kinds[subjects.second[subject[row]!]! & 15]!++
      byDirections[directions[row]!]!++
      hosts[host[row]!]! |= worst === 2 && (directions[row]! & ours) !== 0 ? 3 : 1
    }
    const going = (bit: number): number => byDirections.reduce((sum, n, bits) => ((bits & bit) === 0 ? sum : sum + n), 0)
    return {
      threats: found,
      events,
      hosts: hosts.reduce((sum, seen) => sum + (seen & 1), 0),
      atRisk: hosts.reduce((sum, seen) => sum + (seen >> 1), 0),
      severity,
      directions: {
        outbound: going(DIRECTIONS.outbound),
        inbound: going(DIRECTIONS.inbound),
        lateral: going(DIRECTIONS.lateral),
        transit: going(DIRECTIONS.transit),
      },
      kinds,
      statuses: this.statuses(mask, found),
    }
  }

  /** Threats that have begun lately. */
  private fresh(mask: Mask): { readonly fresh: number; readonly freshSince: number } {
    const { first, last, days } = this.threats
    let freshSince = Math.max(...days.map((day) => day.start))
    if (days.length < 2) {
      let latest = 0
      for (let row = 0; row < mask.length; row++) if (last[row]! > latest) latest = last[row]!
      freshSince = Math.max(freshSince, latest - 3600)
    }
    let fresh = 0
    for (let row = 0; row < mask.length; row++) if (mask[row] === 1 && first[row]! >= freshSince) fresh++
    return { fresh, freshSince: days.length === 0 ? 0 : freshSince }
  }

  private statuses(mask: Mask, found: number): Record<Status, number> {
    const statuses = Object.fromEntries(STATUSES.map((status) => [status, 0])) as Record<Status, number>
    let decided = 0
    for (const [row, status] of this.triage.statuses()) {
      if (mask[row] === 0) continue
      statuses[status]++
      decided++
    }
    statuses.open += found - decided
    return statuses
  }

  /** Events of matching rows by hour and severity. */
  private bins(mask: Mask): Bin[] {
    const { threats } = this
    const { label, labels, slot, slotAt, slotLength, slotNumbers, slotCounts, count } = threats
    const severities = Uint8Array.from(labels.all, (each) => each.severity)
    const sums = new Float64Array(3 * this.slotCount())
    for (let row = 0; row < mask.length; row++) {
      if (mask[row] === 0) continue
      const severity = severities[label[row]!]!
      let left = count[row]!
      let at = slotAt[row]!
      for (const end = at + slotLength[row]!; at < end; at++) {
        left -= slotCounts[at]!
        sums[3 * slotNumbers[at]! + severity]! += slotCounts[at]!
      }
      sums[3 * slot[row]! + severity]! += left
    }
    const bin = (_: unknown, at: number): Bin => {
      const [low, medium, high] = [sums[3 * at]!, sums[3 * at + 1]!, sums[3 * at + 2]!]
      return { at: threats.slotStart(at), low, medium, high }
    }
    return Array.from({ length: this.slotCount() }, bin).sort((a, b) => a.at - b.at)
  }
}

