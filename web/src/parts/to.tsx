/** Links to other pages of this one. */

import type { ComponentChildren, JSX } from 'preact'
import { START, writeRoute, type PageName, type Route } from '../model/route'
import { route } from '../model/state'

/** Where a page is, on the days that are open. What was searched for elsewhere stays behind. */
export function placeOf(page: PageName, subject = '', change: Partial<Route> = {}): string {
  return writeRoute({ ...START, days: route.value.days, page, subject, ...change })
}

/** Where the threats of a search are. */
export function threatsOf(search: string, days: Route['days'] = route.value.days): string {
  return placeOf('threats', '', { days, query: { ...START.query, search } })
}

interface ToProps {
  readonly page: PageName
  readonly subject: string
  readonly class?: string
  readonly children?: ComponentChildren
}

/** A link to what a page tells of something. */
export function To({ page, subject, class: name = 'mono', children = subject }: ToProps): JSX.Element {
  return (
    <a class={name} href={placeOf(page, subject)}>
      {children}
    </a>
  )
}
