/** Logging in, and the change of a password that somebody else gave. */

import { useSignal } from '@preact/signals'
import type { ComponentChildren, JSX } from 'preact'
import { problemOf } from '../model/api'
import { changePassword, logIn } from '../model/session'

/** Characters of a password at least. */
const LEAST = 10

export function Login(): JSX.Element {
  return (
    <Form
      title="Log in"
      action="Log in"
      send={(fields) => logIn(fields.get('name') ?? '', fields.get('password') ?? '')}
    >
      <Field name="name" label="Name" autocomplete="username" />
      <Field name="password" label="Password" type="password" autocomplete="current-password" />
    </Form>
  )
}

export function NewPassword({ name }: { readonly name: string }): JSX.Element {
  const send = async (fields: Map<string, string>): Promise<void> => {
    const [current, next, again] = ['current', 'next', 'again'].map((field) => fields.get(field) ?? '')
    if (next === undefined || next.length < LEAST) throw new Error(`the new password needs ${LEAST} characters at least`)
    if (next !== again) throw new Error('the new password was not repeated as it is')
    await changePassword(current ?? '', next)
  }
  return (
    <Form title="Choose a password" action="Change it" send={send}>
      <p>
        The password of <b>{name}</b> was given by somebody else. Choose one that only you know.
      </p>
      <Field name="current" label="Password until now" type="password" autocomplete="current-password" />
      <Field name="next" label={`New password, ${LEAST} characters at least`} type="password" autocomplete="new-password" />
      <Field name="again" label="New password again" type="password" autocomplete="new-password" />
    </Form>
  )
}

interface FormProps {
  readonly title: string
  readonly action: string
  readonly send: (fields: Map<string, string>) => Promise<void>
  readonly children: ComponentChildren
}

function Form({ title, action, send, children }: FormProps): JSX.Element {
  const wrong = useSignal('')
  const busy = useSignal(false)
  const submit = async (form: HTMLFormElement): Promise<void> => {
    busy.value = true
    wrong.value = ''
    const fields = new Map([...new FormData(form)].map(([name, value]) => [name, typeof value === 'string' ? value : '']))
    try {
      await send(fields)
    } catch (error) {
      wrong.value = problemOf(error)
    }
    busy.value = false
  }
  return (
    <main class="alone">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit(event.currentTarget)
        }}
      >
        <p class="name">maltrail</p>
        <h1>{title}</h1>
        {children}
        <p class="wrong" role="alert">
          {wrong}
        </p>
        <button type="submit" class="main" disabled={busy}>
          {action}
        </button>
      </form>
    </main>
  )
}

interface FieldProps {
  readonly name: string
  readonly label: string
  readonly type?: 'text' | 'password'
  readonly autocomplete: string
}

function Field({ name, label, type = 'text', autocomplete }: FieldProps): JSX.Element {
  const rest = { name, autocomplete, required: true, spellcheck: false, autocapitalize: 'off' } as const
  return (
    <label>
      <span>{label}</span>
      {type === 'password' ? <input type="password" {...rest} /> : <input type="text" {...rest} />}
    </label>
  )
}
