/** Forms: what was typed is sent, what was wrong is said, nothing is sent twice. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { problemOf } from '../model/api'

export interface FormProps {
  /** What stands on its button. */
  readonly action: string
  readonly send: (fields: ReadonlyMap<string, string>) => Promise<void>
  readonly class?: string
  readonly children: ComponentChildren
}

/** Its fields are emptied when it was sent. */
export function Form({ action, send, class: name, children }: FormProps): JSX.Element {
  const wrong = useSignal('')
  const busy = useSignal(false)
  const submit = async (form: HTMLFormElement): Promise<void> => {
    busy.value = true
    wrong.value = ''
    const fields = new Map([...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : '']))
    try {
      await send(fields)
      form.reset()
    } catch (error) {
      wrong.value = problemOf(error)
    }
    busy.value = false
  }
  return (
    <form
      class={name}
      onSubmit={(event) => {
        event.preventDefault()
        void submit(event.currentTarget)
      }}
    >
      {children}
      <p class="wrong" role="alert">
        {wrong}
      </p>
      <button type="submit" class="main" disabled={busy}>
        {action}
      </button>
    </form>
  )
}

export interface FieldProps {
  readonly name: string
  readonly label: string
  readonly type?: 'text' | 'password' | 'date'
  readonly autocomplete?: string
  readonly value?: string
  readonly optional?: true
  readonly placeholder?: string
}

export function Field({ name, label, type = 'text', autocomplete = 'off', value, optional, placeholder }: FieldProps): JSX.Element {
  const rest = { name, autocomplete, required: optional === undefined, spellcheck: false, autocapitalize: 'off', defaultValue: value ?? '', placeholder: placeholder ?? '' } as const
  return (
    <label>
      <span>{label}</span>
      {type === 'password' ? <input type="password" {...rest} /> : type === 'date' ? <input type="date" {...rest} /> : <input type="text" {...rest} />}
    </label>
  )
}

/** Characters of a password at least. */
export const LEAST = 10

/** Fields of a change of one's own password. */
export function PasswordFields(): JSX.Element {
  return (
    <>
      <Field name="current" label="Password until now" type="password" autocomplete="current-password" />
      <Field name="next" label={`New password, ${LEAST} characters at least`} type="password" autocomplete="new-password" />
      <Field name="again" label="New password again" type="password" autocomplete="new-password" />
    </>
  )
}

/** The old and the new password of these fields; throws where they will not do. */
export function passwordsOf(fields: ReadonlyMap<string, string>): { readonly current: string; readonly next: string } {
  const [current = '', next = '', again = ''] = ['current', 'next', 'again'].map((field) => fields.get(field) ?? '')
  if (next.length < LEAST) throw new Error(`the new password needs ${LEAST} characters at least`)
  if (next !== again) throw new Error('the new password was not repeated as it is')
  return { current, next }
}

/** A secret that is shown this once. */
export function Once({ secret, what, onDone }: { readonly secret: string; readonly what: string; readonly onDone: () => void }): JSX.Element {
  return (
    <div class="once" role="alert">
      <p>{what}, shown this once:</p>
      <p class="mono">{secret}</p>
      <button type="button" onClick={() => void navigator.clipboard.writeText(secret)}>
        Copy
      </button>
      <button type="button" onClick={onDone}>
        I have it
      </button>
    </div>
  )
}

/** A button for what cannot be taken back: the second click does it. */
export function Twice({ name, sure, act }: { readonly name: string; readonly sure: string; readonly act: () => void }): JSX.Element {
  const asked = useSignal(false)
  return (
    <button
      type="button"
      onBlur={() => (asked.value = false)}
      onClick={() => {
        if (asked.peek()) act()
        asked.value = !asked.peek()
      }}
    >
      {asked.value ? sure : name}
    </button>
  )
}
