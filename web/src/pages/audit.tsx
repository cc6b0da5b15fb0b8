/** Who did what: the latest first, in pages. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { Given, useAnswer } from '../parts/answer'
import { Moment } from '../parts/moment'
import { Sheet, type SheetColumn } from '../parts/sheet'

interface Entry {
  readonly id: number
  readonly time: string
  readonly who: string
  readonly address: string
  readonly action: string
  readonly subject: string
  readonly detail: string
}

/** Entries of a page. */
const PAGE = 100

const COLUMNS: readonly SheetColumn<Entry>[] = [
  { key: 'time', title: 'When', cell: ({ time }) => <Moment at={time} /> },
  { key: 'who', title: 'Who', cell: ({ who }) => who },
  { key: 'address', title: 'From', cell: ({ address }) => <span class="mono">{address}</span> },
  { key: 'action', title: 'Did', cell: ({ action }) => wordsOf(action) },
  { key: 'subject', title: 'To what', cell: ({ subject }) => <span class="mono wrap">{subject}</span> },
  { key: 'detail', title: 'More', cell: ({ detail }) => <span class="wrap">{detail}</span> },
]

const WORDS: ReadonlyMap<string, string> = new Map([
  ['login', 'logged in'],
  ['logout', 'logged out'],
  ['account.add', 'made an account'],
  ['account.change', 'changed an account'],
  ['account.remove', 'removed an account'],
  ['account.password', 'changed a password'],
  ['account.sessions', 'ended sessions'],
  ['token.add', 'made a token'],
  ['token.remove', 'removed a token'],
  ['rule', 'wrote a rule'],
  ['rule.remove', 'removed a rule'],
  ['triage', 'triaged'],
])

/** What has no words here is told as the server has it. */
function wordsOf(action: string): string {
  return WORDS.get(action) ?? action
}

export function Audit(): JSX.Element {
  const who = useSignal('')
  /** Where pages began, the newest first. */
  const before = useSignal<readonly number[]>([])
  const asked = new URLSearchParams({ limit: String(PAGE) })
  const last = before.value.at(-1)
  if (last !== undefined) asked.set('before', String(last))
  if (who.value !== '') asked.set('who', who.value)
  const answer = useAnswer<readonly Entry[]>(`api/v1/audit?${asked.toString()}`)
  return (
    <article class="page">
      <h1>Audit</h1>
      <div class="fields">
        <label>
          <span>Only of this account</span>
          <input
            value={who.value}
            spellcheck={false}
            autocapitalize="off"
            onChange={(event) => {
              who.value = event.currentTarget.value.trim()
              before.value = []
            }}
          />
        </label>
      </div>
      <Given answer={answer} what="The audit">
        {(entries) => (
          <>
            <Sheet label="Audit" columns={COLUMNS} rows={entries} keyOf={({ id }) => id} empty="Nobody did anything that is recorded." />
            <p class="acts">
              <button type="button" disabled={before.value.length === 0} onClick={() => (before.value = before.value.slice(0, -1))}>
                Newer
              </button>
              <button type="button" disabled={entries.length < PAGE} onClick={() => (before.value = [...before.value, entries.at(-1)?.id ?? 0])}>
                Older
              </button>
            </p>
          </>
        )}
      </Given>
    </article>
  )
}
