/** Who is logged in. */

import { signal } from '@preact/signals'
import { ApiError, call, get, problemOf } from './api'

export interface Account {
  readonly name: string
  readonly role: 'administrator' | 'reader'
  readonly must_change: boolean
}

export type Session =
  | { readonly state: 'unknown' }
  /** The server does not answer. */
  | { readonly state: 'offline'; readonly problem: string }
  | { readonly state: 'stranger' }
  | { readonly state: 'known'; readonly account: Account }

export const session = signal<Session>({ state: 'unknown' })

/** Asks the server who is logged in. */
export async function restore(): Promise<void> {
  try {
    session.value = { state: 'known', account: await get<Account>('api/v1/account') }
  } catch (error) {
    session.value = error instanceof ApiError && error.status === 401 ? { state: 'stranger' } : { state: 'offline', problem: problemOf(error) }
  }
}

export async function logIn(name: string, password: string): Promise<void> {
  session.value = { state: 'known', account: await call<Account>('POST', 'login', { name, password }) }
}

export async function logOut(): Promise<void> {
  await call('POST', 'logout')
  session.value = { state: 'stranger' }
}

export async function changePassword(current: string, next: string): Promise<void> {
  await call('POST', 'api/v1/account/password', { current, new: next })
  await restore()
}
