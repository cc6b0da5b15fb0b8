/** The small windows that keys open: status, who, tags, note; and the sheet of keys. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { session } from '../../model/session'
import { worker } from '../../model/state'
import { decide, note } from '../../model/triage'
import { STATUSES } from '../../model/vocabulary'
import { FIELDS } from '../../search/fields'
import { Dialog } from '../../parts/dialog'
import { plural } from '../../parts/format'
import { asking, help, type Asking } from '../../model/dialogs'
import { KEYS, setStatus } from './keys'
import { STATUS_WORDS } from './words'

const TITLES: Readonly<Record<Asking, string>> = { status: 'Status', assignee: 'Who looks at it', tags: 'Tags', note: 'Note' }

export function Asked(): JSX.Element | null {
  const now = asking.value
  const close = (): void => {
    asking.value = undefined
  }
  if (help.value) return <Help />
  if (now === undefined) return null
  const { what, threats } = now
  return (
    <Dialog key={what} title={`${TITLES[what]}: ${plural(threats.length, 'threat')}`} class="small" onClose={close}>
      {what === 'status' ? <StatusForm threats={threats} close={close} /> : <TextForm what={what} threats={threats} close={close} />}
    </Dialog>
  )
}

interface FormProps {
  readonly threats: readonly string[]
  readonly close: () => void
}

function StatusForm({ threats, close }: FormProps): JSX.Element {
  return (
    <div
      class="options"
      onKeyDown={(event) => {
        const status = STATUSES[Number(event.key) - 1]
        if (status === undefined) return
        event.preventDefault()
        close()
        setStatus(threats, status, STATUS_WORDS[status])
      }}
    >
      {STATUSES.map((status, at) => (
        <button
          key={status}
          type="button"
          onClick={() => {
            close()
            setStatus(threats, status, STATUS_WORDS[status])
          }}
        >
          {STATUS_WORDS[status]} <kbd>{at + 1}</kbd>
        </button>
      ))}
    </div>
  )
}

const WORDS_FOR: Readonly<Record<Exclude<Asking, 'status'>, { label: string; hint: string }>> = {
  assignee: { label: 'Name of an account; empty: nobody', hint: '' },
  tags: { label: 'Tags to add, between commas; -tag takes one away', hint: 'known, -new' },
  note: { label: 'What is to be known about it', hint: '' },
}

/** Characters that the server takes. */
const MAX_WORD = 64
const MAX_NOTE = 10_000

function TextForm({ what, threats, close }: FormProps & { readonly what: Exclude<Asking, 'status'> }): JSX.Element {
  const me = session.value.state === 'known' ? session.value.account.name : ''
  const text = useSignal(what === 'assignee' ? me : '')
  const known = useSignal<readonly string[]>([])
  useEffect(() => {
    if (what === 'note') return
    void worker()
      .values(what === 'tags' ? 'tag' : 'assignee', '')
      .then((values) => (known.value = values.map(({ value }) => value)))
  }, [what])
  const send = (): void => {
    close()
    submit(what, threats, text.peek())
  }
  const rest = {
    value: text.value,
    autofocus: true,
    placeholder: WORDS_FOR[what].hint,
    onInput: (event: { currentTarget: HTMLInputElement | HTMLTextAreaElement }) => {
      text.value = event.currentTarget.value
    },
  }
  return (
    <form
      class="options"
      onSubmit={(event) => {
        event.preventDefault()
        send()
      }}
    >
      <label>
        <span>{WORDS_FOR[what].label}</span>
        {what === 'note' ? (
          <textarea
            rows={4}
            maxLength={MAX_NOTE}
            {...rest}
            onKeyDown={(event) => {
              if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send()
            }}
          />
        ) : (
          <input type="text" maxLength={what === 'tags' ? undefined : MAX_WORD} list="asked-known" spellcheck={false} autocapitalize="off" {...rest} />
        )}
      </label>
      <datalist id="asked-known">
        {known.value.map((value) => (
          <option key={value} value={value} />
        ))}
      </datalist>
      <button type="submit" class="main">
        {what === 'note' ? 'Add (Ctrl Enter)' : 'Set'}
      </button>
    </form>
  )
}

/** Does what was written. */
export function submit(what: Exclude<Asking, 'status'>, threats: readonly string[], text: string): void {
  const words = text.trim()
  const subject = threats.length === 1 ? 'The threat' : plural(threats.length, 'threat')
  if (what === 'note') {
    if (words !== '') void note(threats, words)
  } else if (what === 'assignee') {
    void decide(threats, { assignee: words }, words === '' ? `Nobody looks at ${subject.toLowerCase()} any more.` : `${subject}: ${words} looks at it.`)
  } else {
    const tags = words.split(',').map((tag) => tag.trim())
    const add = tags.filter((tag) => tag !== '' && !tag.startsWith('-'))
    const remove = tags.filter((tag) => tag.startsWith('-')).map((tag) => tag.slice(1).trim()).filter((tag) => tag !== '')
    if (add.length + remove.length === 0) return
    const told = [...add.map((tag) => `+${tag}`), ...remove.map((tag) => `−${tag}`)].join(', ')
    void decide(threats, { add_tags: add, remove_tags: remove }, `${subject}: ${told}.`)
  }
}

function Help(): JSX.Element {
  return (
    <Dialog
      title="Keys and search"
      class="help"
      onClose={() => {
        help.value = false
      }}
    >
      <div class="help-keys">
        {KEYS.map(({ title, keys }) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <section>
        <h3>Search</h3>
        <p>
          Words are looked for everywhere. <code>field:value</code> says where; commas give alternatives, <code>*</code> stands for anything, <code>-</code> in front means not,
          and <code>AND</code>, <code>OR</code>, <code>NOT</code> and parentheses join.
        </p>
        <dl class="help-fields">
          {FIELDS.map(({ name, about, example }) => (
            <div key={name}>
              <dt>
                <code>{example}</code>
              </dt>
              <dd>{about}</dd>
            </div>
          ))}
        </dl>
      </section>
    </Dialog>
  )
}
