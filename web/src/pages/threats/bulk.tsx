/** What can be done with the threats that are selected. */

import type { JSX } from 'preact'
import { STATUSES } from '../../model/vocabulary'
import { result } from '../../model/state'
import { plural } from '../../parts/format'
import { asking } from '../../model/dialogs'
import { setStatus } from './keys'
import { clearSelection, selectAll, selected } from './selection'
import { STATUS_WORDS } from './words'

export function Bulk(): JSX.Element {
  const ids = selected.value
  const rows = result.value?.summary.rows ?? 0
  const threats = [...ids]
  return (
    <div class="bulk" role="toolbar" aria-label="What is selected">
      <b>{plural(ids.size, 'threat')} selected</b>
      {ids.size < rows && (
        <button type="button" onClick={() => void selectAll(rows)}>
          All {plural(rows, 'threat')}
        </button>
      )}
      <span class="spacer" />
      {STATUSES.filter((status) => status !== 'open').map((status) => (
        <button key={status} type="button" onClick={() => setStatus(threats, status, STATUS_WORDS[status])}>
          {STATUS_WORDS[status]}
        </button>
      ))}
      <button type="button" onClick={() => (asking.value = { what: 'assignee', threats })}>
        Assign <kbd>a</kbd>
      </button>
      <button type="button" onClick={() => (asking.value = { what: 'tags', threats })}>
        Tag <kbd>t</kbd>
      </button>
      <button type="button" onClick={() => (asking.value = { what: 'note', threats })}>
        Note <kbd>n</kbd>
      </button>
      <button type="button" onClick={clearSelection}>
        None <kbd>Esc</kbd>
      </button>
    </div>
  )
}
