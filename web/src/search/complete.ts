/** What may come next where somebody writes a search. Pure. */

import { DIRECTIONS, KINDS, PROTOCOLS, SEVERITIES, STATUSES } from '../model/vocabulary'
import { fieldBefore, FIELDS, type Field } from './fields'

/** The word at the cursor, and what is asked there. */
export interface Asked {
  /** Characters that a choice takes the place of. */
  readonly from: number
  readonly to: number
  /** The field whose value is written; none: a field or text. */
  readonly field: Field | undefined
  readonly text: string
}

/** Finds the word at the cursor. */
export function askedAt(search: string, cursor: number): Asked {
  let from = cursor
  while (from > 0 && !/[\s()]/u.test(search.charAt(from - 1))) from--
  if (search.charAt(from) === '-') from++
  let to = cursor
  while (to < search.length && !/[\s()]/u.test(search.charAt(to))) to++
  const word = search.slice(from, cursor)
  const prefix = fieldBefore(word)
  if (prefix === undefined) return { from, to, field: undefined, text: word }
  // Of a list the last one is written.
  const value = word.slice(prefix.length)
  const at = value.lastIndexOf(',') + 1
  return { from: from + prefix.length + at, to, field: prefix.field, text: value.slice(at).replace(/^"/, '') }
}

/** Values that are always the same. */
const FIXED: Partial<Record<Field, readonly string[]>> = {
  type: KINDS,
  sev: [...SEVERITIES].reverse().flatMap((name) => (name === 'medium' ? [name, 'medium+'] : [name])),
  dir: Object.keys(DIRECTIONS),
  status: STATUSES,
  proto: [...PROTOCOLS.values()],
}

/** Fields that begin like that. */
export function fieldsLike(text: string): readonly (typeof FIELDS)[number][] {
  const wanted = text.toLowerCase()
  return FIELDS.filter(({ name }) => name.startsWith(wanted))
}

/** Values of a field that are always the same; undefined where rows tell them. */
export function fixedValues(field: Field, text: string): readonly string[] | undefined {
  return FIXED[field]?.filter((value) => value.toLowerCase().includes(text.toLowerCase()))
}
