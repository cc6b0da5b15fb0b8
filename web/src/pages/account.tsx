/** One's own account: password, sessions, tokens for scripts and sensors. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { call, problemOf } from '../model/api'
import { complain, say } from '../model/notices'
import { changePassword, session } from '../model/session'
import { Given, useAnswer, type Answer } from '../parts/answer'
import { Field, Form, Once, PasswordFields, passwordsOf, Twice } from '../parts/form'
import { Ago, Moment } from '../parts/moment'
import { Sheet, type SheetColumn } from '../parts/sheet'

interface Session {
  readonly account: string
  readonly created: string
  readonly used: string
  readonly expires: string
  readonly address: string
}

interface Token {
  readonly id: number
  readonly account: string
  readonly label: string
  readonly purpose: 'api' | 'sensor'
  readonly created: string
  readonly used: string | null
  readonly expires: string | null
}

export function Account(): JSX.Element | null {
  const known = session.value
  if (known.state !== 'known') return null
  const { name, role } = known.account
  const change = async (fields: ReadonlyMap<string, string>): Promise<void> => {
    const { current, next } = passwordsOf(fields)
    await changePassword(current, next)
    say('Your password is changed; your other sessions have ended.')
  }
  return (
    <article class="page">
      <h1>{name}</h1>
      <p class="soft">{role === 'administrator' ? 'You may administer: accounts, rules and all tokens.' : 'You may read and triage.'}</p>
      <section class="panel" aria-labelledby="password">
        <h2 id="password">Password</h2>
        <Form action="Change it" send={change} class="fields">
          <PasswordFields />
        </Form>
      </section>
      <Sessions />
      <Tokens administrator={role === 'administrator'} />
    </article>
  )
}

const SESSIONS: readonly SheetColumn<Session>[] = [
  { key: 'address', title: 'From', by: ({ address }) => address, cell: ({ address }) => <span class="mono">{address}</span> },
  { key: 'created', title: 'Opened', by: ({ created }) => created, cell: ({ created }) => <Moment at={created} /> },
  { key: 'used', title: 'Last used', by: ({ used }) => used, cell: ({ used }) => <Ago at={used} /> },
  { key: 'expires', title: 'Ends', by: ({ expires }) => expires, cell: ({ expires }) => <Moment at={expires} /> },
]

function Sessions(): JSX.Element {
  const answer = useAnswer<readonly Session[]>('api/v1/account/sessions')
  const end = async (): Promise<void> => {
    try {
      await call('DELETE', 'api/v1/account/sessions')
      answer.again()
    } catch (error) {
      complain(problemOf(error))
    }
  }
  return (
    <section aria-labelledby="sessions">
      <h2 id="sessions">Where you are logged in</h2>
      <Given answer={answer} what="Sessions">
        {(sessions) => (
          <>
            <Sheet label="Sessions" columns={SESSIONS} rows={sessions} keyOf={({ created, address }) => `${created} ${address}`} empty="Nowhere else." />
            {sessions.length > 1 && (
              <p>
                <button type="button" onClick={() => void end()}>
                  End all but this one
                </button>
              </p>
            )}
          </>
        )}
      </Given>
    </section>
  )
}

function Tokens({ administrator }: { readonly administrator: boolean }): JSX.Element {
  const answer = useAnswer<readonly Token[]>('api/v1/tokens')
  const made = useSignal<string | undefined>(undefined)
  const add = async (fields: ReadonlyMap<string, string>): Promise<void> => {
    const expires = fields.get('expires') ?? ''
    const { token } = await call<{ token: string }>('POST', 'api/v1/tokens', {
      label: fields.get('label') ?? '',
      purpose: fields.get('purpose') ?? 'api',
      expires: expires === '' ? null : `${expires}T00:00:00Z`,
    })
    made.value = token
    answer.again()
  }
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">Tokens {administrator && <span class="soft">of everybody</span>}</h2>
      {made.value !== undefined && <Once what="The token" secret={made.value} onDone={() => (made.value = undefined)} />}
      <Given answer={answer} what="Tokens">
        {(tokens) => <TokenList tokens={tokens} answer={answer} />}
      </Given>
      <div class="panel">
        <Form action="Make a token" send={add} class="fields">
          <Field name="label" label={administrator ? 'Called (of a sensor: its name)' : 'Called'} />
          <label>
            <span>For</span>
            <select name="purpose">
              <option value="api">scripts, with your rights</option>
              {administrator && <option value="sensor">a sensor that sends events</option>}
            </select>
          </label>
          <Field name="expires" label="Until (without: for good)" type="date" optional />
        </Form>
      </div>
    </section>
  )
}

function TokenList({ tokens, answer }: { readonly tokens: readonly Token[]; readonly answer: Answer<readonly Token[]> }): JSX.Element {
  const remove = async (id: number): Promise<void> => {
    try {
      await call('DELETE', `api/v1/tokens/${id}`)
      answer.again()
    } catch (error) {
      complain(problemOf(error))
    }
  }
  const columns: SheetColumn<Token>[] = [
    { key: 'label', title: 'Called', by: ({ label }) => label, cell: ({ label }) => label },
    { key: 'purpose', title: 'For', by: ({ purpose }) => purpose, cell: ({ purpose }) => (purpose === 'sensor' ? 'a sensor' : 'scripts') },
    { key: 'account', title: 'With the rights of', by: ({ account }) => account, cell: ({ account }) => account },
    { key: 'created', title: 'Made', by: ({ created }) => created, cell: ({ created }) => <Ago at={created} /> },
    { key: 'used', title: 'Last used', by: ({ used }) => used ?? '', cell: ({ used }) => (used === null ? 'never' : <Ago at={used} />) },
    { key: 'expires', title: 'Until', by: ({ expires }) => expires ?? '', cell: ({ expires }) => (expires === null ? 'for good' : <Moment at={expires} />) },
    { key: 'acts', title: 'Do', cell: ({ id, label }) => <Twice name="Remove" sure={`Yes: remove ${label}`} act={() => void remove(id)} /> },
  ]
  return <Sheet label="Tokens" columns={columns} rows={tokens} keyOf={({ id }) => id} empty="There are no tokens." />
}
