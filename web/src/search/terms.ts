/**
 * One term into a test. What tests mean is said here; columns are asked in `worker/query/filter`, plain objects in
 * `naive`, which is what the former is held against.
 */

import { parseRange, type Range } from '../model/address'
import { DIRECTIONS, KINDS, PROTOCOLS, SEVERITIES, STATUSES, type Status } from '../model/vocabulary'
import type { Field } from './fields'
import type { Word } from './lex'

/** Text to be found in another, case apart. */
export interface Pattern {
  /** Folded; `*` stands for anything where `glob` says so. */
  readonly text: string
  readonly glob: boolean
  /** The whole value must be it. */
  readonly whole: boolean
}

/** First and last number, both included. */
export interface Span {
  readonly first: number
  readonly last: number
}

/** What one term asks. Lists are alternatives. */
export type Test =
  | { readonly on: 'address' | 'source' | 'destination'; readonly ranges: readonly Range[] }
  | { readonly on: 'port' | 'count' | 'score'; readonly spans: readonly Span[] }
  | { readonly on: 'notes'; readonly spans: readonly Span[] }
  | { readonly on: 'protocol' | 'kind' | 'severity'; readonly values: readonly number[] }
  | { readonly on: 'direction'; readonly bits: number }
  | { readonly on: 'status'; readonly values: readonly Status[] }
  /** The indicator, or a name below it. */
  | { readonly on: 'name'; readonly names: readonly string[] }
  | { readonly on: 'text' | 'indicator' | 'info' | 'family' | 'sensor' | 'tag' | 'assignee'; readonly patterns: readonly Pattern[] }
  | { readonly on: 'threat'; readonly ids: readonly string[] }

/** Text whose case does not matter any more, each character by itself. */
export function fold(text: string): string {
  // As one text a final sigma would become another letter than by itself.
  return /^[\0-\x7f]*$/.test(text) ? text.toLowerCase() : Array.from(text, (character) => character.toLowerCase()).join('')
}

/** The test of a term, or what is wrong with it. */
export function test(word: Word): Test | string {
  const { field, value, quoted } = word
  if (value === '') return 'the value is empty'
  if (field === undefined) return free(value, quoted)
  const values = quoted ? [value] : value.split(',')
  if (values.includes('')) return 'a value of the list is empty'
  return byField(field, values, quoted)
}

function free(value: string, quoted: boolean): Test | string {
  if (quoted) return { on: 'text', patterns: [{ text: fold(value), glob: false, whole: false }] }
  const plain = refanged(value)
  const range = parseRange(plain)
  if (range !== undefined) return { on: 'address', ranges: [range] }
  return { on: 'text', patterns: [pattern(withoutScheme(plain), false, false)] }
}

function byField(field: Field, values: string[], quoted: boolean): Test | string {
  switch (field) {
    case 'src':
      return each(values, address, (ranges) => ({ on: 'source', ranges }))
    case 'dst':
      return each(values, address, (ranges) => ({ on: 'destination', ranges }))
    case 'port':
      return each(values, spanUpTo(65535), (spans) => ({ on: 'port', spans }))
    case 'count':
      return each(values, spanUpTo(Number.MAX_SAFE_INTEGER), (spans) => ({ on: 'count', spans }))
    case 'score':
      return each(values, spanUpTo(100), (spans) => ({ on: 'score', spans }))
    case 'note':
      return each(values, spanUpTo(Number.MAX_SAFE_INTEGER), (spans) => ({ on: 'notes', spans }))
    case 'proto':
      return each(values, protocol, (found) => ({ on: 'protocol', values: found.flat() }))
    case 'type':
      return each(values, kind, (found) => ({ on: 'kind', values: found }))
    case 'sev':
      return each(values, severities, (found) => ({ on: 'severity', values: [...new Set(found.flat())] }))
    case 'dir':
      return each(values, direction, (bits) => ({ on: 'direction', bits: bits.reduce((all, bit) => all | bit, 0) }))
    case 'status':
      return each(values, status, (found) => ({ on: 'status', values: found }))
    case 'trail':
      return trail(values, quoted)
    case 'info':
    case 'sensor':
      return { on: field, patterns: values.map((text) => pattern(text, quoted, false)) }
    case 'family':
    case 'tag':
    case 'assignee':
      return { on: field, patterns: values.map((text) => pattern(text, quoted, true)) }
    case 'threat':
      return each(values, id, (ids) => ({ on: 'threat', ids }))
  }
}

/** Every value by itself; the first that is wrong decides. */
function each<T>(values: string[], read: (value: string) => T | { wrong: string }, make: (found: T[]) => Test): Test | string {
  const found: T[] = []
  for (const value of values) {
    const one = read(value)
    if (typeof one === 'object' && one !== null && 'wrong' in one) return one.wrong
    found.push(one)
  }
  return make(found)
}

/** With `*` the whole value is compared, so that `*.example` and `scan*` say where the text stands. */
function pattern(text: string, quoted: boolean, whole: boolean): Pattern {
  const glob = !quoted && text.includes('*')
  return { text: fold(text), glob, whole: whole || glob }
}

function trail(values: string[], quoted: boolean): Test {
  if (quoted || values.some((value) => value.includes('*'))) {
    return { on: 'indicator', patterns: values.map((text) => pattern(quoted ? text : refanged(text), quoted, !quoted)) }
  }
  return { on: 'name', names: values.map(indicator) }
}

/** An indicator as trails have it. */
function indicator(value: string): string {
  const name = withoutScheme(refanged(value))
  const bare = name.endsWith('.') && name.length > 1 ? name.slice(0, -1) : name
  return fold(bare)
}

/** What was made unusable for sending it around, as it was. */
export function refanged(value: string): string {
  return value.replaceAll('[.]', '.').replaceAll('[:]', ':').replace(/^hxxp/i, 'http')
}

/** The scheme of a URL is left out, because it is not recorded. */
function withoutScheme(value: string): string {
  return value.replace(/^https?:\/\/(?=.)/isu, '')
}

function address(value: string): Range | { wrong: string } {
  return (
    parseRange(refanged(value)) ?? {
      wrong: `\`${value}\` is no address, network or range; write 10.0.0.5, 10.0.0.0/8 or 10.0.0.5-10.0.0.9`,
    }
  )
}

const spanUpTo =
  (most: number) =>
  (value: string): Span | { wrong: string } => {
    const span = readSpan(value, most)
    return span ?? { wrong: `\`${value}\` is no number or range up to ${most}; write 53, 1-1024, >100 or <=10` }
  }

function readSpan(value: string, most: number): Span | undefined {
  const compared = /^(<=|>=|<|>|=)?([0-9]{1,16})$/.exec(value)
  if (compared !== null) {
    const number = Number(compared[2])
    if (number > most) return undefined
    switch (compared[1]) {
      case '<':
        return { first: 0, last: number - 1 }
      case '<=':
        return { first: 0, last: number }
      case '>':
        return { first: number + 1, last: Infinity }
      case '>=':
        return { first: number, last: Infinity }
      default:
        return { first: number, last: number }
    }
  }
  const range = /^([0-9]{1,16})-([0-9]{1,16})$/.exec(value)
  if (range === null) return undefined
  const [first, last] = [Number(range[1]), Number(range[2])]
  return first <= last && last <= most ? { first, last } : undefined
}

function protocol(value: string): number[] | { wrong: string } {
  if (/^[0-9]{1,3}$/.test(value) && Number(value) < 256) return [Number(value)]
  const found = [...PROTOCOLS].filter(([, name]) => name.toLowerCase() === value.toLowerCase()).map(([number]) => number)
  return found.length > 0 ? found : { wrong: `\`${value}\` is no protocol; there are ${[...PROTOCOLS.values()].join(', ')}, or its number` }
}

function kind(value: string): number | { wrong: string } {
  const at = KINDS.findIndex((name) => name === value.toUpperCase())
  return at >= 0 ? at : { wrong: `\`${value}\` is no type; there are ${KINDS.join(', ')}` }
}

function severities(value: string): number[] | { wrong: string } {
  const written = /^(<=|>=|<|>)?(.*?)(\+)?$/s.exec(value.toLowerCase())
  const [, operator, name, plus] = written ?? []
  const at = SEVERITIES.findIndex((known) => known === name)
  if (at < 0 || (operator !== undefined && plus !== undefined)) {
    return { wrong: `\`${value}\` is no severity; write low, medium, high, or medium+ for both` }
  }
  const all = SEVERITIES.map((_, number) => number)
  switch (plus ?? operator) {
    case '+':
    case '>=':
      return all.filter((number) => number >= at)
    case '>':
      return all.filter((number) => number > at)
    case '<=':
      return all.filter((number) => number <= at)
    case '<':
      return all.filter((number) => number < at)
    default:
      return [at]
  }
}

/** Short words that people use. */
const DIRECTION_WORDS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(DIRECTIONS),
  ['out', DIRECTIONS.outbound],
  ['in', DIRECTIONS.inbound],
])

function direction(value: string): number | { wrong: string } {
  return DIRECTION_WORDS.get(value.toLowerCase()) ?? { wrong: `\`${value}\` is no direction; there are ${Object.keys(DIRECTIONS).join(', ')}` }
}

function status(value: string): Status | { wrong: string } {
  return STATUSES.find((known) => known === value.toLowerCase()) ?? { wrong: `\`${value}\` is no status; there are ${STATUSES.join(', ')}` }
}

function id(value: string): string | { wrong: string } {
  return /^[0-9a-f]{16}$/.test(value) ? value : { wrong: "a threat's id has 16 hexadecimal digits" }
}

/** Whether a folded text is what a pattern asks for. The plain version: columns are asked in another way. */
export function matches(pattern: Pattern, folded: string): boolean {
  if (!pattern.glob) return pattern.whole ? folded === pattern.text : folded.includes(pattern.text)
  // Pieces between the stars, one after another: no expression is made of what people type.
  const pieces = pattern.text.split('*')
  const [head = '', tail = ''] = [pieces[0], pieces.at(-1)]
  if (folded.length < head.length + tail.length || !folded.startsWith(head) || !folded.endsWith(tail)) return false
  let at = head.length
  const end = folded.length - tail.length
  for (const piece of pieces.slice(1, -1)) {
    const found = folded.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

/** Whether a folded name is another or lies below it. */
export function atOrBelow(name: string, other: string): boolean {
  return name === other || (other !== '' && name.endsWith(`.${other}`))
}
