/** Saved views: searches with their order and grouping, of one's own or shared with everybody. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { ApiError, call, get, problemOf } from '../model/api'
import { say, UNDO } from '../model/notices'
import { writeRoute, type Route } from '../model/route'
import { session } from '../model/session'
import { route } from '../model/state'
import { Field, Form } from './form'
import { Popover } from './popover'

interface View {
  readonly id: number
  readonly owner: string
  readonly name: string
  /** The page's address behind `?`. */
  readonly query: string
  readonly shared: boolean
  readonly version: number
}

/** A button with the views there are. */
export function Views(): JSX.Element {
  return (
    <Popover button="Views" label="Saved views" align="end">
      {(close) => <List close={close} />}
    </Popover>
  )
}

/** What a view keeps of what is shown: not which threat is open, and days only where these are wanted. */
function behind(shown: Route, withDays: boolean): string {
  const address = writeRoute({ ...shown, page: 'threats', subject: '', threat: undefined, days: withDays ? shown.days : undefined })
  return address.slice(address.indexOf('?') + 1 || address.length)
}

function List({ close }: { readonly close: () => void }): JSX.Element {
  const views = useSignal<readonly View[] | undefined>(undefined)
  const problem = useSignal('')
  const read = async (): Promise<void> => {
    try {
      views.value = await get<readonly View[]>('api/v1/views')
    } catch (error) {
      problem.value = problemOf(error)
    }
  }
  useEffect(() => void read(), [])
  const known = session.value
  const own = known.state === 'known' ? known.account.name : ''
  const all = views.value ?? []
  const save = async (fields: ReadonlyMap<string, string>): Promise<void> => {
    const name = (fields.get('name') ?? '').trim()
    const body = { name, query: behind(route.peek(), fields.has('days')), shared: fields.has('shared') }
    const same = all.find((view) => view.owner === own && view.name === name)
    await (same === undefined ? call('POST', 'api/v1/views', body) : call('PUT', `api/v1/views/${same.id}`, { ...body, version: same.version }))
    await read()
  }
  const remove = async ({ id, name, query, shared }: View): Promise<void> => {
    try {
      await call('DELETE', `api/v1/views/${id}`)
      say(`The view ${name} is gone.`, [{ name: UNDO, act: () => void call('POST', 'api/v1/views', { name, query, shared }).then(read) }])
    } catch (error) {
      // Somebody was quicker.
      if (!(error instanceof ApiError && error.status === 404)) problem.value = problemOf(error)
    }
    await read()
  }
  return (
    <div class="views">
      <p class="wrong" role="alert">
        {problem}
      </p>
      {views.value !== undefined && all.length === 0 && <p class="none">No view is saved yet.</p>}
      {all.length > 0 && (
        <ul aria-label="Saved views">
          {all.map((view) => (
            <li key={view.id}>
              <a href={`#/threats${view.query === '' ? '' : `?${view.query}`}`} onClick={close}>
                {view.name}
              </a>{' '}
              <span class="soft">{view.owner !== own ? `of ${view.owner}` : view.shared ? 'shared' : ''}</span>
              {view.owner === own && (
                <button type="button" class="plain" aria-label={`Remove the view ${view.name}`} onClick={() => void remove(view)}>
                  Remove
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
      <Form action="Save" send={save} class="fields">
        <Field name="name" label="Save what is shown as" />
        <label class="check">
          <input type="checkbox" name="shared" />
          <span>for everybody</span>
        </label>
        <label class="check">
          <input type="checkbox" name="days" />
          <span>with these days</span>
        </label>
      </Form>
    </div>
  )
}
