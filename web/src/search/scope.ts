/** What a page about something shows, whatever is searched for besides. */

import { parseRange } from '../model/address'
import type { Route } from '../model/route'
import type { Node } from './parse'
import { fold } from './terms'

/** The condition that a page's subject is; none where a page has none, or its subject cannot be read. */
export function scopeOf({ page, subject }: Pick<Route, 'page' | 'subject'>): Node | undefined {
  switch (page) {
    case 'host': {
      const range = parseRange(subject)
      return range === undefined ? undefined : { kind: 'test', test: { on: 'address', ranges: [range] } }
    }
    case 'family':
      return { kind: 'test', test: { on: 'family', patterns: [{ text: fold(subject), glob: false, whole: true }] } }
    case 'trail':
      return { kind: 'test', test: { on: 'name', names: [fold(subject)] } }
    default:
      return undefined
  }
}

/** Both conditions. */
export function both(one: Node | undefined, other: Node | undefined): Node | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return { kind: 'and', of: [one, other] }
}
