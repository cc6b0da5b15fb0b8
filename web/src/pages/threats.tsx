/** Threats of the open days: figures that are filters as well, and the table. */

import type { JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { ask, days, go, openDays, problem, progress, result, route, worker } from '../model/state'
import { BY_RANK } from '../model/route'
import { SORTS, type SortKey, type Threat } from '../model/threat'
import { clock, compact, count } from '../parts/format'
import { Evidence } from '../parts/severity'
import { Sparkline } from '../parts/sparkline'
import { Table, type Column } from '../parts/table/table'

const ROW_HEIGHT = 32

const load = (from: number, to: number): Promise<readonly Threat[]> => worker().page(from, to) as Promise<readonly Threat[]>

export function Threats(): JSX.Element {
  const now = result.value
  if (problem.value !== undefined) return <p role="alert">{problem.value}</p>
  if (days.value !== undefined && openDays.value.length === 0) return <p class="empty">No event has come yet.</p>
  if (now === undefined || progress.value?.state === 'failed') return <p class="empty" aria-busy="true" />
  const { summary, number } = now
  return (
    <>
      <dl class="figures">
        <Figure name="hosts at risk" value={summary.atRisk} search="sev:high dir:outbound,lateral" />
        <Figure name="threats" value={summary.threats} />
        <Figure name="events" value={summary.events} />
        <Figure name="high" value={summary.severity[2]} search="sev:high" />
        <Figure name="medium" value={summary.severity[1]} search="sev:medium" />
        <Figure name="low" value={summary.severity[0]} search="sev:low" />
      </dl>
      {summary.threats === 0 ? <p class="empty">Nothing of these days is like that.</p> : <List count={summary.rows} version={number} />}
    </>
  )
}

function Figure({ name, value, search }: { readonly name: string; readonly value: number; readonly search?: string }): JSX.Element {
  const shown = <b title={count(value)}>{compact(value)}</b>
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {search === undefined ? (
          shown
        ) : (
          <button type="button" onClick={() => ask({ search })}>
            {shown}
          </button>
        )}
      </dd>
    </div>
  )
}

/** The table of what the query finds. */
export function List({ count: rows, version }: { readonly count: number; readonly version: number }): JSX.Element {
  const zone = days.value?.zone ?? 'UTC'
  const columns = useMemo(() => columnsIn(zone), [zone])
  const { query, threat } = route.value
  const sort = (key: string): void => {
    const by = SORTS.find((known) => known === key)
    if (by !== undefined) ask({ sort: next(by) })
  }
  return (
    <Table
      label="Threats"
      columns={columns}
      count={rows}
      version={version}
      rowHeight={ROW_HEIGHT}
      load={load}
      keyOf={(row) => row.id}
      open={threat}
      onOpen={(row) => go({ threat: row.id })}
      sort={query.sort}
      onSort={sort}
    />
  )
}

/** Descending, ascending, by rank again. */
function next(by: SortKey): typeof BY_RANK {
  const { sort } = route.peek().query
  if (sort.by !== by) return { by, descending: true }
  return sort.descending ? { by, descending: false } : BY_RANK
}

function columnsIn(zone: string): Column<Threat>[] {
  const { time } = clock(zone)
  return [
    { key: 'score', title: 'Evidence', width: 140, sortable: true, cell: (row) => <Evidence score={row.score} severity={row.severity} /> },
    { key: 'source', title: 'Host', width: 170, sortable: true, cell: (row) => <span class="mono">{row.source}</span> },
    { key: 'family', title: 'What', width: 220, sortable: true, cell: (row) => row.info },
    { key: 'kind', title: 'Type', width: 72, sortable: true, cell: (row) => row.kind },
    { key: 'indicator', title: 'Indicator', width: 0, sortable: true, cell: (row) => <span class="mono">{row.shown}</span> },
    { key: 'count', title: 'Events', width: 80, align: 'end', sortable: true, cell: (row) => count(row.count) },
    { key: 'activity', title: 'Hours', width: 96, cell: (row) => <Sparkline values={row.activity} /> },
    { key: 'first', title: 'First', width: 84, align: 'end', sortable: true, cell: (row) => time(row.first) },
    { key: 'last', title: 'Last', width: 84, align: 'end', sortable: true, cell: (row) => time(row.last) },
  ]
}
