/** Text into words, operators and parentheses. The same words as in hunts on the server; `-` before a term is NOT. */

import { fieldBefore, type Field } from './fields'

/** Why a text is no query, and where: from and to are characters of the text, from 0. */
export class SearchError extends Error {
  override name = 'SearchError'

  constructor(
    readonly from: number,
    readonly to: number,
    message: string,
  ) {
    super(message)
  }
}

/** A word. */
export interface Word {
  readonly field: Field | undefined
  readonly value: string
  /** In quotes: text, whatever it looks like. */
  readonly quoted: boolean
}

/** One piece of a query. */
export interface Token {
  readonly from: number
  readonly to: number
  readonly what: 'open' | 'close' | 'and' | 'or' | 'not' | Word
}

const OPERATORS: ReadonlyMap<string, 'and' | 'or' | 'not'> = new Map([
  ['AND', 'and'],
  ['OR', 'or'],
  ['NOT', 'not'],
])

/** All tokens of a text. */
export function tokens(text: string): Token[] {
  const found: Token[] = []
  let at = 0
  const push = (to: number, what: Token['what']): void => {
    found.push({ from: at, to, what })
    at = to
  }
  while (at < text.length) {
    const character = text.charAt(at)
    if (/\s/u.test(character)) at++
    else if (character === '(') push(at + 1, 'open')
    else if (character === ')') push(at + 1, 'close')
    else if (character === '-' && /[^\s)]/u.test(text.charAt(at + 1))) push(at + 1, 'not')
    else {
      const { to, what } = word(text, at)
      push(to, what)
    }
  }
  return found
}

function word(text: string, at: number): { to: number; what: Token['what'] } {
  const prefix = fieldBefore(text.slice(at))
  const field = prefix?.field
  const start = at + (prefix?.length ?? 0)
  if (text.charAt(start) === '"') {
    const { value, to } = quoted(text, start, at)
    return { to, what: { field, value, quoted: true } }
  }
  const rest = text.slice(start)
  const length = rest.search(/[\s()"]/u)
  const value = length < 0 ? rest : rest.slice(0, length)
  const operator = field === undefined ? OPERATORS.get(value) : undefined
  return { to: start + value.length, what: operator ?? { field, value, quoted: false } }
}

/** The text up to the closing quote, with `\"` and `\\` as what they stand for. */
function quoted(text: string, open: number, at: number): { value: string; to: number } {
  let value = ''
  for (let i = open + 1; i < text.length; i++) {
    const character = text.charAt(i)
    if (character === '"') return { value, to: i + 1 }
    const next = text.charAt(i + 1)
    if (character === '\\' && (next === '"' || next === '\\')) {
      value += next
      i++
    } else {
      value += character
    }
  }
  throw new SearchError(at, text.length, 'the quote is not closed; end it with "')
}
