/** Tokens into a tree: `NOT` and `-` bind most, then `AND` (also unwritten), then `OR`. Pure. */

import { SearchError, tokens, type Token } from './lex'
import { test, type Test } from './terms'

export { SearchError } from './lex'

export const MAX_CHARACTERS = 4096
export const MAX_TERMS = 64
export const MAX_DEPTH = 16

/** What a threat must be like. */
export type Node =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Node[] }
  | { readonly kind: 'not'; readonly of: Node }
  | { readonly kind: 'test'; readonly test: Test }

/** Reads a query; nothing written finds everything. Throws a SearchError that says where and why. */
export function parse(text: string): Node | undefined {
  if (text.length > MAX_CHARACTERS) {
    throw new SearchError(0, text.length, `the search is longer than ${MAX_CHARACTERS} characters`)
  }
  const parser = new Parser(tokens(text), text.length)
  return parser.whole()
}

class Parser {
  private next = 0
  private terms = 0

  constructor(
    private readonly tokens: readonly Token[],
    private readonly length: number,
  ) {}

  whole(): Node | undefined {
    if (this.tokens.length === 0) return undefined
    const node = this.any(0)
    const left = this.tokens[this.next]
    if (left !== undefined) throw new SearchError(left.from, left.to, 'there is no `(` for this `)`')
    return node
  }

  private take(what: Token['what']): boolean {
    const there = this.tokens[this.next]?.what === what
    if (there) this.next++
    return there
  }

  private any(depth: number): Node {
    const nodes = [this.all(depth)]
    while (this.take('or')) nodes.push(this.all(depth))
    return joined('or', nodes)
  }

  private all(depth: number): Node {
    const nodes = [this.one(depth)]
    for (;;) {
      const written = this.take('and')
      const what = this.tokens[this.next]?.what
      if ((what === undefined || what === 'or' || what === 'close') && !written) return joined('and', nodes)
      nodes.push(this.one(depth))
    }
  }

  private one(depth: number): Node {
    const token = this.tokens[this.next]
    if (token === undefined) throw new SearchError(this.length, this.length, 'something to look for is missing at the end')
    const { from, to, what } = token
    if (depth > MAX_DEPTH) throw new SearchError(from, to, `parentheses and NOT are nested deeper than ${MAX_DEPTH}`)
    this.next++
    if (what === 'not') return { kind: 'not', of: this.one(depth + 1) }
    if (what === 'open') {
      const node = this.any(depth + 1)
      if (this.take('close')) return node
      throw new SearchError(from, to, 'there is no `)` for this `(`')
    }
    if (typeof what === 'string') {
      throw new SearchError(from, to, 'something to look for is missing before this; to look for the word, put it in quotes')
    }
    if (++this.terms > MAX_TERMS) throw new SearchError(from, to, `more than ${MAX_TERMS} terms`)
    const made = test(what)
    if (typeof made === 'string') throw new SearchError(from, to, made)
    return { kind: 'test', test: made }
  }
}

function joined(kind: 'and' | 'or', nodes: Node[]): Node {
  const [only] = nodes
  return nodes.length === 1 && only !== undefined ? only : { kind, of: nodes }
}
