/** What one event adds to the table: the same as the server's fold makes of it. */

import { parseAddress } from '../model/address'
import { KINDS, SEVERITIES, type Kind, type Severity } from '../model/vocabulary'
import { idHalves } from './table/ids'
import { MAX_TOLD, type Addition, type SetValues, type Threats } from './table/threats'

/** An event as the live stream tells it, as far as it is used. */
export interface LiveEvent {
  readonly time: string
  readonly last: string
  readonly site?: string
  readonly sensor: string
  readonly src: readonly string[]
  readonly dst: readonly string[]
  readonly dst_ports?: readonly number[]
  readonly protocol: number
  readonly kind: Kind
  readonly observed: { readonly text: string }
  readonly indicator: string
  readonly info: string
  readonly reference: string
  readonly class: string
  readonly severity: Severity
  readonly confidence: number
  readonly count: number
}

/** One line of a delta. */
export interface Change {
  /** Id. */
  readonly threat: string
  /** A bit of DIRECTIONS. */
  readonly direction: number
  /** What was seen, with its markup. */
  readonly shown: string
  readonly event: LiveEvent
}

/** Bytes of a text that rows hold. */
const MAX_TEXT_BYTES = 256
/** Most findings that one event can stand for. */
const MAX_COUNT = 0xffffffff

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The beginning of a text, cut at a character. */
export function cut(text: string): string {
  // Three bytes for each of its 16-bit units at most.
  if (text.length <= MAX_TEXT_BYTES / 3) return text
  const bytes = encoder.encode(text)
  if (bytes.length <= MAX_TEXT_BYTES) return text
  let end = MAX_TEXT_BYTES
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--
  return decoder.decode(bytes.subarray(0, end))
}

/** Adds an event. Gives whether its day is open. */
export function arrive(threats: Threats, { threat, direction, shown, event }: Change): boolean {
  const first = seconds(event.time)
  const day = threats.days.find(({ start, slots }) => start <= first && first < start + 3600 * slots)
  if (day === undefined) return false
  const { texts } = threats
  const count = Math.min(Math.max(1, event.count), MAX_COUNT)
  const [site, indicator, seen] = [cut(event.site ?? ''), cut(keyOf(event)), cut(shown)]
  const whole = site === (event.site ?? '') && indicator === keyOf(event)
  const kind = KINDS.indexOf(event.kind)
  const text = texts.intern(indicator)
  const addition: Addition = {
    host: threats.hosts.intern(address(threats, event.src[0]), texts.intern(site)),
    subject: whole ? threats.subjects.intern(text, kind) : threats.subjectWithId(text, kind, idHalves(threat)),
    label: threats.labels.intern({
      severity: SEVERITIES.indexOf(event.severity),
      confidence: Math.min(event.confidence, 100),
      class: texts.intern(cut(event.class)),
      info: texts.intern(cut(event.info)),
      reference: texts.intern(cut(event.reference)),
    }),
    shown: seen === indicator ? 0 : texts.intern(seen) + 1,
    lines: 1,
    count,
    first,
    last: Math.max(first, seconds(event.last)),
    protocol: event.protocol,
    directions: direction,
    slots: new Map([[day.base + Math.floor((first - day.start) / 3600), count]]),
    sets: [
      told(event.dst.map((each) => address(threats, each))),
      told((event.dst_ports ?? []).filter((port) => port !== 0)),
      told(event.sensor === '' ? [] : [texts.intern(cut(event.sensor))]),
    ],
  }
  return threats.add(addition) !== undefined
}

const seconds = (instant: string): number => Math.floor(Date.parse(instant) / 1000)

/** What stands for the threat: the indicator, or what was seen where none is told. */
function keyOf(event: LiveEvent): string {
  return event.indicator === '' ? event.observed.text : event.indicator
}

/** The number of an address; of none 0.0.0.0. */
function address(threats: Threats, text: string | undefined): number {
  return threats.addresses.intern(parseAddress(text ?? '') ?? [0])
}

/** Different ones, as many as a row holds. */
function told(values: readonly number[]): SetValues {
  const unique = [...new Set(values)]
  return { values: unique.slice(0, MAX_TOLD), more: Math.max(0, unique.length - MAX_TOLD) }
}
