/** Names of ports, addresses and countries, as the server tells them: asked for once, many at a time. */

import { signal, type Signal } from '@preact/signals'
import { get } from './api'
import type { Known } from './subject'

interface Service {
  readonly port: number
  readonly protocol: 'tcp' | 'udp'
  readonly name: string
  readonly title: string
}

/** Addresses that are asked for at once: as many as the server answers. */
const MAX_ASKED = 100
/** Addresses that are remembered; those asked for longest ago go first. */
const MAX_KNOWN = 20_000
/** Milliseconds in which addresses gather before they are asked for. */
const GATHER = 30

const facts = new Map<string, Signal<Known | undefined>>()
const wanted = new Set<string>()
let gathering = false

/** What is known of an address; undefined until it is. */
export function addressFacts(address: string): Signal<Known | undefined> {
  const known = facts.get(address)
  if (known !== undefined) return known
  const made = signal<Known | undefined>(undefined)
  facts.set(address, made)
  for (const oldest of facts.keys()) {
    if (facts.size <= MAX_KNOWN) break
    facts.delete(oldest)
  }
  wanted.add(address)
  if (!gathering) {
    gathering = true
    setTimeout(() => void ask(), GATHER)
  }
  return made
}

async function ask(): Promise<void> {
  gathering = false
  const all = [...wanted]
  wanted.clear()
  for (let from = 0; from < all.length; from += MAX_ASKED) {
    const some = all.slice(from, from + MAX_ASKED)
    try {
      const { addresses } = await get<{ addresses: Known[] }>(`api/v1/enrich?address=${some.map(encodeURIComponent).join(',')}`)
      for (const told of addresses) {
        const known = facts.get(told.address)
        if (known !== undefined) known.value = told
      }
    } catch {
      // Asked for again when they are shown again: the page is as useful without.
      for (const address of some) facts.delete(address)
    }
  }
}

const services = signal<ReadonlyMap<number, readonly Service[]>>(new Map())
let asked = false

async function readServices(): Promise<void> {
  try {
    const { services: all } = await get<{ services: Service[] }>('api/v1/services')
    const byPort = new Map<number, Service[]>()
    for (const service of all) byPort.set(service.port, [...(byPort.get(service.port) ?? []), service])
    services.value = byPort
  } catch {
    asked = false
  }
}

/** What is commonly found at a port; protocol as its number, where it is known. */
export function serviceOf(port: number, protocol?: number): Service | undefined {
  if (!asked) {
    asked = true
    void readServices()
  }
  const known = services.value.get(port) ?? []
  const name = protocol === 17 ? 'udp' : 'tcp'
  return known.find((service) => service.protocol === name) ?? known[0]
}

const regions = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' })

/** `Netherlands` of `NL`. */
export function countryName(code: string): string {
  try {
    return regions.of(code) ?? code
  } catch {
    return code
  }
}
