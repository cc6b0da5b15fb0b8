/** The table of threats, or of groups of them. */

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { prefer, preferences, rowHeight, textScale } from '../../model/preferences'
import { BY_RANK } from '../../model/route'
import { ask, go, result, route, worker } from '../../model/state'
import { SORTS, type Group, type Grouping, type SortKey, type Threat } from '../../model/threat'
import { narrow } from '../../model/window'
import { narrow as narrowed } from '../../search/edit'
import { Table } from '../../parts/table/table'
import { CARD, GROUP_CARD, groupColumns, threatColumns } from './columns'
import { onRow } from './keys'
import { selected, selectTo, toggle } from './selection'

/** Lines of a card. */
const CARD_LINES = 3
const CARD_LINE = 21
/** Pixels of a column at least. */
const MIN_WIDTH = 48

const load = (from: number, to: number): Promise<readonly Threat[]> => worker().page(from, to) as Promise<readonly Threat[]>
const loadGroups = (from: number, to: number): Promise<readonly Group[]> => worker().page(from, to) as Promise<readonly Group[]>

export function List(): JSX.Element {
  const { group } = route.value.query
  return group === 'none' ? <ThreatList /> : <GroupList key={group} grouping={group} />
}

const height = (): number => (narrow.value ? CARD_LINES * CARD_LINE + 12 : rowHeight.value)

function ThreatList(): JSX.Element {
  const { hidden, widths } = preferences.value
  const scale = textScale.value
  const columns = useMemo(() => (narrow.value ? CARD : threatColumns({ hidden, widths }, scale)), [narrow.value, hidden, widths, scale])
  const { query, threat } = route.value
  const marked = selected.value
  return (
    <Table
      label="Threats"
      columns={columns}
      count={result.value?.summary.rows ?? 0}
      version={result.value?.number ?? 0}
      rowHeight={height()}
      load={load}
      keyOf={(row) => row.id}
      open={threat}
      onOpen={(row) => go({ threat: row.id })}
      sort={query.sort}
      onSort={sortBy}
      onKey={onRow}
      selected={marked}
      onSelect={(row, index, range) => (range ? void selectTo(index) : toggle(row.id, index))}
      onResize={(key, width) => prefer({ widths: { ...preferences.peek().widths, [key]: Math.max(MIN_WIDTH, Math.round(width)) } })}
    />
  )
}

function GroupList({ grouping }: { readonly grouping: Exclude<Grouping, 'none'> }): JSX.Element {
  const scale = textScale.value
  const columns = useMemo(() => (narrow.value ? GROUP_CARD : groupColumns(grouping, scale)), [narrow.value, grouping, scale])
  const field = ({ host: 'src', family: 'family', trail: 'trail' } as const)[grouping]
  return (
    <Table
      label={{ host: 'Hosts', family: 'Families', trail: 'Indicators' }[grouping]}
      columns={columns}
      count={result.value?.summary.rows ?? 0}
      version={result.value?.number ?? 0}
      rowHeight={height()}
      load={loadGroups}
      keyOf={(row) => row.key}
      onOpen={(row) => ask({ group: 'none', sort: BY_RANK, search: narrowed(route.peek().query.search, { field, value: row.key }) })}
      sort={route.value.query.sort}
      onSort={sortBy}
    />
  )
}

function sortBy(key: string): void {
  const by = SORTS.find((known) => known === key)
  if (by !== undefined) ask({ sort: next(by) })
}

/** Descending, ascending, by rank again. */
function next(by: SortKey): typeof BY_RANK {
  const { sort } = route.peek().query
  if (sort.by !== by) return { by, descending: true }
  return sort.descending ? { by, descending: false } : BY_RANK
}
