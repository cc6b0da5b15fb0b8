/** Addresses of the Internet among rows, those with the most threats first: to be placed on a map. */

import { formatAddress, outside } from '../../model/address'
import type { Place, Places } from '../../model/threat'
import type { Threats } from '../table/threats'

/** Most addresses that are told. */
export const MAX_PLACES = 5000

/** Sources and destinations of these rows. A threat counts once for each. */
export function places(threats: Threats, rows: Uint32Array): Places {
  const { addresses, hosts, host, count } = threats
  const found = new Uint32Array(addresses.limit)
  const events = new Float64Array(addresses.limit)
  let placed = 0
  for (const row of rows) {
    const source = hosts.first[host[row]!]!
    const sides = new Set([source, ...threats.set(row, 'destinations').values])
    let any = false
    for (const side of sides) {
      if (found[side] === 0 && !outside(addresses.get(side))) continue
      any = true
      found[side]!++
      events[side]! += count[row]!
    }
    if (any) placed++
  }
  const used: number[] = []
  for (let number = 0; number < found.length; number++) if (found[number]! > 0) used.push(number)
  used.sort((a, b) => found[b]! - found[a]! || events[b]! - events[a]!)
  const told = used.slice(0, MAX_PLACES)
  const place = (number: number): Place => ({ address: formatAddress(addresses.get(number)), threats: found[number]!, events: events[number]! })
  return { places: told.map(place), distinct: used.length, threats: placed }
}
