/** Every recorded event of a threat, page after page. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { get, problemOf } from '../../model/api'
import { openDays } from '../../model/state'
import type { Threat } from '../../model/threat'
import { PROTOCOLS } from '../../model/vocabulary'
import { count } from '../../parts/format'
import { copy } from '../../parts/value'
import { moment } from '../../parts/when'
import { Section } from './detail'

/** Events of a page. */
const PAGE = 50

interface Recorded {
  readonly event: {
    readonly id: string
    readonly time: string
    readonly sensor: string
    readonly src: readonly string[]
    readonly src_ports?: readonly number[]
    readonly dst: readonly string[]
    readonly dst_ports?: readonly number[]
    readonly protocol: number
    readonly observed?: { readonly text: string }
    readonly count: number
  }
  readonly line: string
}

interface Page {
  readonly events: readonly Recorded[]
  readonly next: string | null
}

interface Loaded {
  readonly events: readonly Recorded[]
  readonly next: string | null | undefined
  readonly problem?: string
  readonly busy: boolean
}

const NONE: Loaded = { events: [], next: undefined, busy: true }

export function Events({ threat }: { readonly threat: Threat }): JSX.Element {
  const newest = useSignal(true)
  const raw = useSignal(false)
  const loaded = useSignal<Loaded>(NONE)
  const days = openDays.value
  const load = async (before: Loaded, signal?: AbortSignal): Promise<void> => {
    const params = new URLSearchParams({ limit: String(PAGE), newest: String(newest.peek()), from: days[0] ?? '', to: days.at(-1) ?? '' })
    if (typeof before.next === 'string') params.set('after', before.next)
    loaded.value = { events: before.events, next: before.next, busy: true }
    try {
      const page = await get<Page>(`api/v1/threats/${threat.id}/events?${params.toString()}`, signal)
      loaded.value = { events: [...before.events, ...page.events], next: page.next, busy: false }
    } catch (error) {
      if (signal?.aborted !== true) loaded.value = { events: before.events, next: before.next, busy: false, problem: problemOf(error) }
    }
  }
  const order = newest.value
  const span = days.join()
  useEffect(() => {
    const stop = new AbortController()
    void load(NONE, stop.signal)
    return () => stop.abort()
  }, [threat.id, order, span])
  const { events, next, busy, problem } = loaded.value
  return (
    <Section title="Events" aside={`${count(events.length)} of ${count(threat.lines)} lines`}>
      <p class="links">
        <button type="button" aria-pressed={!order} onClick={() => (newest.value = !order)}>
          {order ? 'Newest first' : 'Oldest first'}
        </button>
        <button type="button" aria-pressed={raw.value} onClick={() => (raw.value = !raw.value)}>
          As logged
        </button>
        <button type="button" disabled={events.length === 0} onClick={() => void copy(events.map(({ line }) => line).join('\n'))}>
          Copy
        </button>
      </p>
      <div class="events" role="region" aria-label="Events" tabIndex={0}>
        {raw.value ? (
          <pre>{events.map(({ line }) => line).join('\n')}</pre>
        ) : (
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">Seen</th>
                <th scope="col">Sensor</th>
              </tr>
            </thead>
            <tbody>
              {events.map(({ event, line }) => (
                <tr key={`${event.id} ${event.time}`} title={line}>
                  <td>{moment(Date.parse(event.time) / 1000).split(' ').slice(days.length > 1 ? 0 : 1, 2).join(' ')}</td>
                  <td class="mono">{ends(event.src, event.src_ports)}</td>
                  <td class="mono">
                    {ends(event.dst, event.dst_ports)} <span class="soft">{PROTOCOLS.get(event.protocol) ?? event.protocol}</span>
                  </td>
                  <td class="mono seen">
                    {event.observed?.text ?? ''}
                    {event.count > 1 && <span class="soft"> ×{count(event.count)}</span>}
                  </td>
                  <td>{event.sensor}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </div>
      {problem !== undefined && (
        <p class="wrong" role="alert">
          The events cannot be read: {problem}
        </p>
      )}
      {(next !== null || problem !== undefined) && (
        <button type="button" disabled={busy} onClick={() => void load(loaded.peek())}>
          {busy ? 'Reading …' : problem === undefined ? `${PAGE} more` : 'Try again'}
        </button>
      )}
    </Section>
  )
}

/** `10.0.0.5:40000`, or the first and how many more. */
function ends(addresses: readonly string[], ports: readonly number[] = []): string {
  const [address = ''] = addresses
  const [port] = ports
  const host = port !== undefined && address.includes(':') ? `[${address}]` : address
  const more = Math.max(addresses.length, ports.length) - 1
  return `${host}${port === undefined ? '' : `:${port}`}${more > 0 ? ` +${more}` : ''}`
}
