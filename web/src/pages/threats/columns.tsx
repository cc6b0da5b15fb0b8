/** Columns of the tables: of threats, of groups of them, and cards where there is no room for columns. */

import type { JSX } from 'preact'
import { serviceOf } from '../../model/names'
import type { Preferences } from '../../model/preferences'
import type { Group, Grouping, Threat } from '../../model/threat'
import { PROTOCOLS } from '../../model/vocabulary'
import { Address } from '../../parts/address'
import { count, plural } from '../../parts/format'
import { Evidence } from '../../parts/severity'
import { Sparkline } from '../../parts/sparkline'
import type { Column } from '../../parts/table/table'
import { Value } from '../../parts/value'
import { When } from '../../parts/when'
import { STATUS_WORDS } from './words'

/** Columns in their order, by key. */
export const COLUMN_TITLES: Readonly<Record<string, string>> = {
  score: 'Evidence',
  source: 'Host',
  family: 'What',
  kind: 'Type',
  indicator: 'Indicator',
  destination: 'To',
  port: 'Port',
  count: 'Events',
  activity: 'Hours',
  first: 'First',
  last: 'Last',
  status: 'Status',
  triage: 'Who, tags',
  sensor: 'Sensor',
  reference: 'List',
  site: 'Site',
}

const CELLS: readonly Column<Threat>[] = [
  { key: 'score', title: 'Evidence', width: 116, sortable: true, cell: (row) => <Evidence score={row.score} severity={row.severity} /> },
  { key: 'source', title: 'Host', width: 200, sortable: true, cell: (row) => <Address field="src" value={row.source} inTable /> },
  { key: 'family', title: 'What', width: 196, sortable: true, cell: (row) => <What row={row} /> },
  { key: 'kind', title: 'Type', width: 66, yields: 6, sortable: true, cell: (row) => <Value field="type" value={row.kind} inTable /> },
  { key: 'indicator', title: 'Indicator', width: 0, sortable: true, cell: (row) => <Indicator row={row} inTable /> },
  { key: 'destination', title: 'To', width: 192, yields: 3, cell: (row) => <Destination row={row} /> },
  { key: 'port', title: 'Port', width: 104, yields: 2, cell: (row) => <Ports row={row} /> },
  { key: 'count', title: 'Events', width: 62, align: 'end', sortable: true, cell: (row) => count(row.count) },
  { key: 'activity', title: 'Hours', width: 84, yields: 5, cell: (row) => <Sparkline values={row.activity} /> },
  { key: 'first', title: 'First', width: 112, yields: 1, align: 'end', sortable: true, cell: (row) => <When at={row.first} /> },
  { key: 'last', title: 'Last', width: 112, align: 'end', sortable: true, cell: (row) => <When at={row.last} /> },
  { key: 'status', title: 'Status', width: 96, yields: 4, cell: (row) => <Status row={row} /> },
  { key: 'triage', title: 'Who, tags', width: 150, yields: 7, cell: (row) => <Who row={row} /> },
  { key: 'sensor', title: 'Sensor', width: 110, yields: 1, cell: (row) => <Sensors row={row} /> },
  { key: 'reference', title: 'List', width: 130, yields: 1, cell: (row) => row.reference },
  { key: 'site', title: 'Site', width: 90, yields: 1, cell: (row) => row.site },
]

/** Columns of threats as somebody likes them. `scale`: size of the text. */
export function threatColumns({ hidden, widths }: Pick<Preferences, 'hidden' | 'widths'>, scale: number): Column<Threat>[] {
  return scaled(CELLS, scale)
    .filter(({ key }) => !hidden.includes(key))
    .map((column) => ({ ...column, width: widths[column.key] ?? column.width }))
}

function scaled<T>(columns: readonly Column<T>[], scale: number): Column<T>[] {
  return columns.map((column) => ({ ...column, width: Math.round(scale * column.width) }))
}

/** What it is called: the family, and what the trail says besides. */
function What({ row }: { readonly row: Threat }): JSX.Element {
  const rest = row.info.startsWith(row.family) ? row.info.slice(row.family.length).trim().replace(/^\((.*)\)$/s, '$1') : row.info
  return (
    <Value field="family" value={row.family} page="family" title={row.info} inTable>
      {row.family} {rest !== '' && rest !== row.family && <span class="soft">{rest}</span>}
    </Value>
  )
}

/** What was matched, and around it what was seen as well. */
export function Indicator({ row, inTable = false }: { readonly row: Threat; readonly inTable?: boolean }): JSX.Element {
  const at = row.shown.indexOf(row.indicator)
  // `(www).evil.example`: what did not match is told softly.
  const [before, after] = at < 0 ? ['', ''] : [row.shown.slice(0, at), row.shown.slice(at + row.indicator.length)]
  return (
    <Value field="trail" value={row.indicator} page="trail" class="mono" inTable={inTable} title={row.shown}>
      {at < 0 ? (
        row.shown
      ) : (
        <>
          <span class="soft">{before}</span>
          {row.indicator}
          <span class="soft">{after}</span>
        </>
      )}
    </Value>
  )
}

function Destination({ row }: { readonly row: Threat }): JSX.Element | null {
  const { values, more } = row.destinations
  const [first] = values
  return first === undefined ? null : <Address field="dst" value={first} more={values.length - 1 + more} inTable />
}

function Ports({ row }: { readonly row: Threat }): JSX.Element | null {
  const { values, more } = row.ports
  const [port] = values
  if (port === undefined) return <span class="soft">{PROTOCOLS.get(row.protocol) ?? row.protocol}</span>
  const service = serviceOf(port, row.protocol)
  const others = values.length - 1 + more
  return (
    <span class="address">
      <Value field="port" value={String(port)} inTable {...(service === undefined ? {} : { title: service.title })} />
      {service !== undefined && <span class="alias">{service.name}</span>}
      {others > 0 && <span class="more">+{others}</span>}
    </span>
  )
}

function Sensors({ row }: { readonly row: Threat }): JSX.Element | null {
  const { values, more } = row.sensors
  const [first] = values
  if (first === undefined) return null
  const others = values.length - 1 + more
  return (
    <span class="address">
      <Value field="sensor" value={first} inTable />
      {others > 0 && <span class="more">+{others}</span>}
    </span>
  )
}

function Status({ row }: { readonly row: Threat }): JSX.Element {
  const status = row.triage?.status ?? 'open'
  return (
    <Value field="status" value={status} class={`status ${status}`} inTable>
      {STATUS_WORDS[status]}
    </Value>
  )
}

function Who({ row }: { readonly row: Threat }): JSX.Element | null {
  const { triage } = row
  if (triage === undefined) return null
  return (
    <span class="address">
      {triage.assignee !== '' && <Value field="assignee" value={triage.assignee} inTable />}
      {triage.tags.map((tag) => (
        <Value key={tag} field="tag" value={tag} class="tag" inTable />
      ))}
      {triage.notes > 0 && <span class="soft">{plural(triage.notes, 'note')}</span>}
    </span>
  )
}

/** One column that tells all of it, for narrow windows. */
export const CARD: readonly Column<Threat>[] = [
  {
    key: 'card',
    title: 'Threats',
    width: 0,
    cell: (row) => (
      <div class="card">
        <Evidence score={row.score} severity={row.severity} />
        <span class="mono">{row.source}</span>
        <span class="end soft">
          {count(row.count)} <span aria-hidden="true">·</span> <When at={row.last} />
        </span>
        <span class="what">{row.info}</span>
        <span class="mono seen">{row.shown}</span>
      </div>
    ),
  },
]

const FIELD_OF = { host: 'src', family: 'family', trail: 'trail' } as const

/** Columns of groups. */
export function groupColumns(grouping: Exclude<Grouping, 'none'>, scale: number): Column<Group>[] {
  const field = FIELD_OF[grouping]
  const title = { host: 'Host', family: 'Family', trail: 'Indicator' }[grouping]
  const key: Column<Group> = {
    key: 'key',
    title,
    width: grouping === 'trail' ? 360 : 230,
    cell: ({ key }) =>
      field === 'src' ? <Address field="src" value={key} inTable /> : <Value field={field} value={key} page={field} class={field === 'trail' ? 'mono' : ''} inTable />,
  }
  const host: Column<Group> = {
    key: 'hosts',
    title: 'Hosts',
    width: 220,
    yields: 3,
    sortable: true,
    cell: ({ worst, hosts }) => <Address field="src" value={worst.source} more={hosts - 1} inTable />,
  }
  const columns: readonly Column<Group>[] = [
    { key: 'score', title: 'Evidence', width: 116, sortable: true, cell: ({ score, severity }) => <Evidence score={score} severity={severity} /> },
    key,
    ...(grouping === 'host' ? [] : [host]),
    { key: 'worst', title: 'The worst of it', width: 0, cell: ({ worst }) => <Worst row={worst} grouping={grouping} /> },
    { key: 'threats', title: 'Threats', width: 80, align: 'end', sortable: true, cell: ({ threats }) => count(threats) },
    { key: 'count', title: 'Events', width: 80, yields: 2, align: 'end', sortable: true, cell: ({ events }) => count(events) },
    { key: 'first', title: 'First', width: 112, yields: 1, align: 'end', sortable: true, cell: ({ first }) => <When at={first} /> },
    { key: 'last', title: 'Last', width: 112, align: 'end', sortable: true, cell: ({ last }) => <When at={last} /> },
  ]
  return scaled(columns, scale)
}

function Worst({ row, grouping }: { readonly row: Threat; readonly grouping: Grouping }): JSX.Element {
  return (
    <span class="address">
      {grouping !== 'family' && <What row={row} />}
      {grouping !== 'trail' && <Indicator row={row} inTable />}
    </span>
  )
}

/** One column that tells all of a group. */
export const GROUP_CARD: readonly Column<Group>[] = [
  {
    key: 'card',
    title: 'Groups',
    width: 0,
    cell: ({ key, score, severity, threats, last, worst, hosts }) => (
      <div class="card">
        <Evidence score={score} severity={severity} />
        <span class="mono">{key}</span>
        <span class="end soft">
          <When at={last} />
        </span>
        <span class="what">
          {plural(threats, 'threat')}
          {hosts > 1 && `, ${plural(hosts, 'host')}`}
        </span>
        <span class="seen">{worst.info}</span>
      </div>
    ),
  },
]
