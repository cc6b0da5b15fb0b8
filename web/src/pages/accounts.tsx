/** Accounts that can log in: for administrators. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { call, problemOf } from '../model/api'
import { complain } from '../model/notices'
import { session } from '../model/session'
import { Given, useAnswer } from '../parts/answer'
import { Field, Form, Once, Twice } from '../parts/form'
import { Sheet, type SheetColumn } from '../parts/sheet'

interface Account {
  readonly name: string
  readonly role: 'administrator' | 'reader'
  readonly uid: number
  readonly netfilter: string
  readonly must_change: boolean
  readonly from_file: boolean
}

/** Numbers below 1000 are administrators'. */
const UIDS = { administrator: 0, reader: 1000 } as const

interface Handed {
  readonly name: string
  readonly password: string
}

export function Accounts(): JSX.Element {
  const answer = useAnswer<readonly Account[]>('api/v1/accounts')
  const given = useSignal<Handed | undefined>(undefined)
  const changing = useSignal<Account | undefined>(undefined)
  const done = (): void => {
    changing.value = undefined
    answer.again()
  }
  return (
    <article class="page">
      <h1>Accounts</h1>
      {given.value !== undefined && <Once key={given.value.name} what={`Password of ${given.value.name}, to be changed at the first login`} secret={given.value.password} onDone={() => (given.value = undefined)} />}
      <Given answer={answer} what="Accounts">
        {(accounts) => <List accounts={accounts} onGiven={(told) => (given.value = told)} onChange={(account) => (changing.value = account)} onDone={done} />}
      </Given>
      {changing.value === undefined ? (
        <Add
          onMade={(made) => {
            given.value = made
            done()
          }}
        />
      ) : (
        <Change key={changing.value.name} account={changing.value} onDone={done} />
      )}
    </article>
  )
}

function Add({ onMade }: { readonly onMade: (made: Handed | undefined) => void }): JSX.Element {
  const send = async (fields: ReadonlyMap<string, string>): Promise<void> => {
    const role = fields.get('role') === 'administrator' ? 'administrator' : 'reader'
    const made = await call<{ name: string; password: string | null }>('POST', 'api/v1/accounts', {
      name: fields.get('name') ?? '',
      uid: UIDS[role],
      netfilter: fields.get('netfilter') ?? '',
    })
    onMade(made.password === null ? undefined : { name: made.name, password: made.password })
  }
  return (
    <section class="panel" aria-labelledby="add">
      <h2 id="add">New account</h2>
      <Form action="Make it" send={send} class="fields">
        <Field name="name" label="Name" />
        <Role role="reader" />
        <Networks />
      </Form>
      <p class="soft">A password is made and shown once; its owner chooses another at the first login.</p>
    </section>
  )
}

function Change({ account, onDone }: { readonly account: Account; readonly onDone: () => void }): JSX.Element {
  const { name, role, netfilter, uid } = account
  const send = async (fields: ReadonlyMap<string, string>): Promise<void> => {
    const wanted = fields.get('role') === 'administrator' ? 'administrator' : 'reader'
    await call('PUT', `api/v1/accounts/${encodeURIComponent(name)}`, { uid: wanted === role ? uid : UIDS[wanted], netfilter: fields.get('netfilter') ?? '' })
    onDone()
  }
  return (
    <section class="panel" aria-labelledby="change">
      <h2 id="change">What {name} may do and see</h2>
      <Form action="Change it" send={send} class="fields">
        <Role role={role} />
        <Networks value={netfilter} />
        <button type="button" onClick={onDone}>
          Leave it as it is
        </button>
      </Form>
    </section>
  )
}

function Role({ role }: { readonly role: Account['role'] }): JSX.Element {
  return (
    <label>
      <span>May</span>
      <select name="role">
        <option value="reader" selected={role === 'reader'}>
          read and triage
        </option>
        <option value="administrator" selected={role === 'administrator'}>
          administer as well
        </option>
      </select>
    </label>
  )
}

function Networks({ value = '' }: { readonly value?: string }): JSX.Element {
  return <Field name="netfilter" label="Sees only these addresses (without: all)" optional value={value} placeholder="10.1.0.0/16,192.168.5.1-192.168.5.20" />
}

interface ListProps {
  readonly accounts: readonly Account[]
  readonly onGiven: (given: Handed) => void
  readonly onChange: (account: Account) => void
  readonly onDone: () => void
}

function List({ accounts, onGiven, onChange, onDone }: ListProps): JSX.Element {
  const known = session.value
  const own = known.state === 'known' ? known.account.name : undefined
  const renew = async ({ name }: Account): Promise<void> => {
    const password = randomPassword()
    await call('PUT', `api/v1/accounts/${encodeURIComponent(name)}`, { password })
    onGiven({ name, password })
    onDone()
  }
  const remove = async ({ name }: Account): Promise<void> => {
    await call('DELETE', `api/v1/accounts/${encodeURIComponent(name)}`)
    onDone()
  }
  const tell = (work: Promise<void>): void => {
    work.catch((error: unknown) => complain(problemOf(error)))
  }
  const columns: SheetColumn<Account>[] = [
    { key: 'name', title: 'Name', by: ({ name }) => name, cell: ({ name }) => (name === own ? <b>{name} (you)</b> : name) },
    { key: 'role', title: 'May', by: ({ role }) => role, cell: ({ role }) => (role === 'administrator' ? 'administer' : 'read and triage') },
    { key: 'sees', title: 'Sees', by: ({ netfilter }) => netfilter, cell: ({ netfilter }) => (netfilter === '' ? 'all' : <span class="mono wrap">{netfilter}</span>) },
    { key: 'state', title: 'Password', cell: ({ must_change, from_file }) => (must_change ? 'to be changed at the next login' : from_file ? 'of the configuration file' : 'its own') },
    {
      key: 'acts',
      title: 'Do',
      cell: (account) =>
        account.name === own ? (
          <span class="soft">what is yours stands under You</span>
        ) : (
          <span class="acts">
            <button type="button" onClick={() => onChange(account)}>
              Change
            </button>
            <Twice name="New password" sure={`Yes: end the sessions of ${account.name}`} act={() => tell(renew(account))} />
            <Twice name="Remove" sure={`Yes: remove ${account.name}`} act={() => tell(remove(account))} />
          </span>
        ),
    },
  ]
  return <Sheet label="Accounts" columns={columns} rows={accounts} keyOf={({ name }) => name} empty="There are no accounts." />
}

/** Letters that are not taken for one another, of which 20 are more than 100 bits. */
function randomPassword(): string {
  const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  let password = ''
  while (password.length < 20) {
    const [byte = 0] = crypto.getRandomValues(new Uint8Array(1))
    // Bytes beyond a multiple of the letters would make the first ones more likely.
    if (byte < 256 - (256 % letters.length)) password += letters.charAt(byte % letters.length)
  }
  return password
}
