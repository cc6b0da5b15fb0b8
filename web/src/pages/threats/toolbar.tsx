/** What is above the table: how it is grouped, which status, which columns, files of it. */

import type { JSX } from 'preact'
import { complain, say } from '../../model/notices'
import { DEFAULTS, prefer, preferences } from '../../model/preferences'
import { ask, openDays, result, route, worker } from '../../model/state'
import { GROUPINGS, type Grouping } from '../../model/threat'
import { STATUSES } from '../../model/vocabulary'
import { choose, chosen } from '../../search/edit'
import { count, plural } from '../../parts/format'
import { Popover } from '../../parts/popover'
import { Hidden } from '../../parts/tried'
import { copy } from '../../parts/value'
import { Views } from '../../parts/views'
import { FORMATS, type Format } from '../../worker/messages'
import { COLUMN_TITLES } from './columns'
import { STATUS_WORDS } from './words'

const GROUP_WORDS: Readonly<Record<Grouping, string>> = { none: 'Threats', host: 'Hosts', family: 'Families', trail: 'Indicators' }

export function Toolbar(): JSX.Element {
  const { query } = route.value
  const summary = result.value?.summary
  const status = chosen(query.search, 'status')
  const setStatus = (to: string): void => ask({ search: choose(query.search, 'status', to === '' ? undefined : to) })
  return (
    <div class="toolbar">
      <div class="choice" role="radiogroup" aria-label="Group by">
        {GROUPINGS.map((group) => (
          <button
            key={group}
            type="button"
            role="radio"
            aria-checked={query.group === group}
            title={group === 'none' ? 'Every threat by itself' : `Group by ${group === 'trail' ? 'indicator' : group}`}
            onClick={() => ask({ group, sort: { by: 'rank', descending: false } })}
          >
            {GROUP_WORDS[group]}
          </button>
        ))}
      </div>
      <label class="inline">
        <span class="soft">Status</span>
        <select value={STATUSES.find((known) => known === status) ?? ''} onChange={(event) => setStatus(event.currentTarget.value)}>
          <option value="">any</option>
          {STATUSES.map((each) => (
            <option key={each} value={each}>
              {STATUS_WORDS[each]}
              {summary === undefined ? '' : ` (${count(summary.statuses[each])})`}
            </option>
          ))}
        </select>
      </label>
      <Range />
      <span class="spacer" />
      <span class="soft rows">{summary === undefined ? '' : shown(summary.rows, query.group)}</span>
      <Hidden />
      <Views />
      {query.group === 'none' && <Columns />}
      <Export />
    </div>
  )
}

function shown(rows: number, group: Grouping): string {
  switch (group) {
    case 'none':
      return plural(rows, 'threat')
    case 'host':
      return plural(rows, 'host')
    case 'family':
      return plural(rows, 'family', 'families')
    case 'trail':
      return plural(rows, 'indicator')
  }
}

/** The part of the time that was chosen, and the way out of it. */
function Range(): JSX.Element | null {
  const { range } = route.value.query
  if (range === undefined) return null
  return (
    <button type="button" class="chip" onClick={() => ask({ range: undefined })} title="Show the whole time again">
      {plural(Math.round((range.to - range.from) / 3600), 'hour')} chosen <span aria-hidden="true">×</span>
    </button>
  )
}

function Columns(): JSX.Element {
  const { hidden } = preferences.value
  const toggle = (key: string): void => prefer({ hidden: hidden.includes(key) ? hidden.filter((other) => other !== key) : [...hidden, key] })
  return (
    <Popover label="Columns" button="Columns" align="end">
      {() => (
        <fieldset class="options">
          <legend>Columns</legend>
          {Object.entries(COLUMN_TITLES).map(([key, title]) => (
            <label key={key}>
              <input type="checkbox" checked={!hidden.includes(key)} onChange={() => toggle(key)} /> {title}
            </label>
          ))}
          <button type="button" onClick={() => prefer({ hidden: DEFAULTS.hidden, widths: {} })}>
            As they were at first
          </button>
        </fieldset>
      )}
    </Popover>
  )
}

const FORMAT_WORDS: Readonly<Record<Format, { name: string; file: string }>> = {
  csv: { name: 'CSV, for spreadsheets', file: 'csv' },
  json: { name: 'JSON, for programs', file: 'json' },
  defanged: { name: 'Text, defanged, for mail', file: 'txt' },
}

function Export(): JSX.Element {
  const none = (result.value?.summary.threats ?? 0) === 0
  return (
    <Popover label="Export and share" button="Export" align="end">
      {(close) => (
        <div class="options">
          <p class="soft">{none ? 'Nothing is shown.' : `${plural(result.value?.summary.threats ?? 0, 'threat')} as shown, as a file:`}</p>
          {FORMATS.map((format) => (
            <button
              key={format}
              type="button"
              disabled={none}
              onClick={() => {
                close()
                void save(format)
              }}
            >
              {FORMAT_WORDS[format].name}
            </button>
          ))}
          <button
            type="button"
            onClick={() => {
              close()
              void copy(location.href)
            }}
          >
            Copy a link to this
          </button>
          <button
            type="button"
            onClick={() => {
              close()
              print()
            }}
          >
            Print
          </button>
        </div>
      )}
    </Popover>
  )
}

async function save(format: Format): Promise<void> {
  const file = await worker().export(format)
  if (file === undefined) {
    complain('The threats changed while they were written.', [{ name: 'Try again', act: () => void save(format) }])
    return
  }
  const days = openDays.peek()
  const href = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = href
  link.download = `threats-${[...new Set([days[0], days.at(-1)])].join('_')}.${FORMAT_WORDS[format].file}`
  link.click()
  // The browser reads it after this turn.
  setTimeout(() => URL.revokeObjectURL(href), 60_000)
  say(`Saved as ${link.download}.`)
}
