/** Rows that have something in common with one: the first ones, and how many there are. */

/** Rows that are told of each. */
export const MAX_RELATED = 5

export interface Found {
  readonly first: readonly number[]
  readonly all: number
}

/** Looks through rows in order of rank, apart from `row` itself. */
export function alike<K extends string>(ranked: Uint32Array, row: number, by: Readonly<Record<K, (other: number) => boolean>>): Record<K, Found> {
  const search = (is: (other: number) => boolean): Found => {
    const first: number[] = []
    let all = 0
    for (let i = 0; i < ranked.length; i++) {
      const other = ranked[i]!
      if (other === row || !is(other)) continue
      all++
      if (first.length < MAX_RELATED) first.push(other)
    }
    return { first, all }
  }
  const names = Object.keys(by) as K[]
  return Object.fromEntries(names.map((name) => [name, search(by[name])])) as Record<K, Found>
}
