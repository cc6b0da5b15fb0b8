/** What was decided about a threat, by whom, and what is to be done. */

import type { JSX } from 'preact'
import { session } from '../../model/session'
import type { Threat } from '../../model/threat'
import { STATUSES } from '../../model/vocabulary'
import { decide } from '../../model/triage'
import { useAnswer } from '../../parts/answer'
import { Value } from '../../parts/value'
import { When } from '../../parts/when'
import { asking } from '../../model/dialogs'
import { setStatus } from './keys'
import { STATUS_WORDS } from './words'

interface Dossier {
  readonly notes: readonly { readonly id: number; readonly author: string; readonly time: string; readonly text: string }[]
  readonly steps: readonly { readonly author: string; readonly time: string; readonly field: string; readonly before: string; readonly after: string }[]
}

export function TriageBox({ threat }: { readonly threat: Threat }): JSX.Element {
  const { id, triage } = threat
  const status = triage?.status ?? 'open'
  const me = session.value.state === 'known' ? session.value.account.name : ''
  const threats = [id]
  return (
    <section class="triage" aria-label="What was decided">
      <div class="links">
        <label>
          <span class="hidden">Status</span>
          <select
            value={status}
            class={`status ${status}`}
            onChange={(event) => {
              const to = STATUSES.find((known) => known === event.currentTarget.value)
              if (to !== undefined) setStatus(threats, to, STATUS_WORDS[to])
            }}
          >
            {STATUSES.map((each) => (
              <option key={each} value={each}>
                {STATUS_WORDS[each]}
              </option>
            ))}
          </select>
        </label>
        {triage !== undefined && triage.assignee !== '' ? (
          <button type="button" title="Change who looks at it" onClick={() => (asking.value = { what: 'assignee', threats })}>
            {triage.assignee} looks at it <kbd>a</kbd>
          </button>
        ) : (
          <button type="button" onClick={() => void decide(threats, { assignee: me }, 'You look at the threat.')}>
            I look at it
          </button>
        )}
        <button type="button" onClick={() => (asking.value = { what: 'tags', threats })}>
          Tag <kbd>t</kbd>
        </button>
        <button type="button" onClick={() => (asking.value = { what: 'note', threats })}>
          Note <kbd>n</kbd>
        </button>
      </div>
      {triage !== undefined && triage.tags.length > 0 && (
        <p class="many">
          {triage.tags.map((tag) => (
            <span key={tag} class="tag">
              <Value field="tag" value={tag} />
              <button type="button" class="plain" aria-label={`Take the tag ${tag} away`} onClick={() => void decide(threats, { remove_tags: [tag] }, `The tag ${tag} was taken away.`)}>
                ×
              </button>
            </span>
          ))}
        </p>
      )}
      {triage !== undefined && triage.version > 0 && <History key={triage.version} id={id} />}
    </section>
  )
}

function History({ id }: { readonly id: string }): JSX.Element | null {
  const { value, problem } = useAnswer<Dossier>(`api/v1/triage/${id}`)
  if (problem !== undefined) return <p class="soft">Notes cannot be read: {problem}</p>
  if (value === undefined) return null
  const { notes, steps } = value
  return (
    <>
      {notes.length > 0 && (
        <ul class="notes">
          {notes.map((note) => (
            <li key={note.id}>
              <p>{note.text}</p>
              <p class="soft">
                {note.author}, <When at={Date.parse(note.time) / 1000} />
              </p>
            </li>
          ))}
        </ul>
      )}
      {steps.length > 0 && (
        <details>
          <summary>
            {steps[0]?.author}: {words(steps[0])}, <When at={Date.parse(steps[0]?.time ?? '') / 1000} />
          </summary>
          <ul class="steps">
            {steps.slice(1).map((step, at) => (
              <li key={at}>
                {step.author}: {words(step)}, <When at={Date.parse(step.time) / 1000} />
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

function words(step: Dossier['steps'][number] | undefined): string {
  if (step === undefined) return ''
  const { field, before, after } = step
  const side = (text: string): string => {
    if (field === 'status') return STATUSES.find((known) => known === text) === undefined ? text : STATUS_WORDS[text as keyof typeof STATUS_WORDS]
    return text === '' ? (field === 'assignee' ? 'nobody' : 'none') : text
  }
  return `${field} ${side(before)} → ${side(after)}`
}
