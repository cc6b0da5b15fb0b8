/** Logging in, and the change of a password that somebody else gave. */

import type { ComponentChildren, JSX } from 'preact'
import { changePassword, logIn } from '../model/session'
import { Field, Form, PasswordFields, passwordsOf } from '../parts/form'

export function Login(): JSX.Element {
  return (
    <Alone title="Log in">
      <Form action="Log in" send={(fields) => logIn(fields.get('name') ?? '', fields.get('password') ?? '')}>
        <Field name="name" label="Name" autocomplete="username" />
        <Field name="password" label="Password" type="password" autocomplete="current-password" />
      </Form>
    </Alone>
  )
}

export function NewPassword({ name }: { readonly name: string }): JSX.Element {
  const send = async (fields: ReadonlyMap<string, string>): Promise<void> => {
    const { current, next } = passwordsOf(fields)
    await changePassword(current, next)
  }
  return (
    <Alone title="Choose a password">
      <p>
        The password of <b>{name}</b> was given by somebody else. Choose one that only you know.
      </p>
      <Form action="Change it" send={send}>
        <PasswordFields />
      </Form>
    </Alone>
  )
}

function Alone({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <main class="alone">
      <p class="name">maltrail</p>
      <h1>{title}</h1>
      {children}
    </main>
  )
}
