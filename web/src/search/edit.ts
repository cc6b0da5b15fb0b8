/** Changes to a search by clicks: terms are put in, turned round and taken out, what else is written stays as it is. Pure. */

import { SearchError, tokens, type Token } from './lex'
import type { Field } from './fields'

/** A term as a click makes it; without a field it is text. */
export interface Term {
  readonly field: Field | undefined
  readonly value: string
}

/** What is written for a term. */
export function write({ field, value }: Term): string {
  const bare = field !== undefined && /^[^\s()",*\\]+$/u.test(value)
  const text = bare ? value : `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
  return field === undefined ? text : `${field}:${text}`
}

/** A term that stands by itself in a search, beside others that must hold as well. */
interface Placed {
  readonly from: number
  readonly to: number
  readonly not: boolean
  readonly field: Field | undefined
  readonly value: string
}

/** Tokens of a search; undefined where it cannot be read. */
function read(search: string): Token[] | undefined {
  try {
    return tokens(search)
  } catch (error) {
    if (error instanceof SearchError) return undefined
    throw error
  }
}

/** Terms that stand by themselves; none where OR joins some of them. */
function terms(search: string): Placed[] {
  const all = read(search) ?? []
  const found: Placed[] = []
  let depth = 0
  for (const [at, { from, to, what }] of all.entries()) {
    if (what === 'open') depth++
    else if (what === 'close') depth--
    else if (depth > 0) continue
    else if (what === 'or') return []
    else if (typeof what === 'object') {
      const before = all[at - 1]
      const not = before?.what === 'not'
      // Two negations are somebody's own.
      if (not && all[at - 2]?.what === 'not') continue
      found.push({ from: not ? before.from : from, to, not, field: what.field, value: what.value })
    }
  }
  return found
}

function without(search: string, { from, to }: Placed): string {
  const head = search.slice(0, from).replace(/(^|\s)AND\s*$/u, '$1').trimEnd()
  const tail = search.slice(to).trimStart()
  return [head, head === '' ? tail.replace(/^AND\s+/u, '') : tail].filter((part) => part !== '').join(' ')
}

function append(search: string, term: string): string {
  const all = read(search)
  let depth = 0
  const either = (all ?? []).some(({ what }) => {
    if (what === 'open') depth++
    if (what === 'close') depth--
    return what === 'or' && depth === 0
  })
  const before = either ? `(${search.trim()})` : search.trim()
  return before === '' ? term : `${before} ${term}`
}

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

/** Whether a search asks for a term by itself. */
export function has(search: string, term: Term, not = false): boolean {
  return terms(search).some((placed) => placed.not === not && placed.field === term.field && same(placed.value, term.value))
}

/** Asks for a term, or for everything but it; what says the opposite is taken out. */
export function narrow(search: string, term: Term, not = false): string {
  if (has(search, term, not)) return search
  const opposite = terms(search).find((placed) => placed.not !== not && placed.field === term.field && same(placed.value, term.value))
  return append(opposite === undefined ? search : without(search, opposite), (not ? '-' : '') + write(term))
}

/** Lets one field have this value alone, or any where none is given. */
export function choose(search: string, field: Field, value: string | undefined): string {
  let rest = search
  for (;;) {
    const found = terms(rest).find((placed) => placed.field === field)
    if (found === undefined) break
    rest = without(rest, found)
  }
  return value === undefined ? rest : append(rest, `${field}:${value}`)
}

/** The value that `choose` set. */
export function chosen(search: string, field: Field): string | undefined {
  const found = terms(search).filter((placed) => placed.field === field && !placed.not)
  return found.length === 1 ? found[0]?.value : undefined
}
