/** Rules: searches whose finds are not shown among the threats. Events stay, and hunts find them. */

import { computed, signal } from '@preact/signals'
import { parse, SearchError, type Node } from '../search/parse'
import { get } from './api'
import { now } from './clock'

export interface Rule {
  readonly id: number
  readonly rule: string
  readonly comment: string
  readonly author: string
  readonly enabled: boolean
  readonly expires: string | null
  readonly version: number
  readonly changed: string
}

/** Rules that are applied at most: each is asked of every row. The oldest count. */
export const MAX_APPLIED = 64

export const rules = signal<readonly Rule[]>([])

export async function readRules(): Promise<void> {
  rules.value = await get<readonly Rule[]>('api/v1/rules')
}

/** What a rule finds; undefined where it cannot be read. */
export function conditionOf({ rule }: Pick<Rule, 'rule'>): Node | undefined {
  try {
    return parse(rule)
  } catch (error) {
    if (error instanceof SearchError) return undefined
    throw error
  }
}

/** Whether a rule counts at an instant, seconds. */
export function counts(rule: Rule, at: number): boolean {
  return rule.enabled && (rule.expires === null || Date.parse(rule.expires) > 1000 * at)
}

/** Rules that are applied. */
export const applied = computed(() => rules.value.filter((rule) => counts(rule, now.value) && conditionOf(rule) !== undefined).slice(0, MAX_APPLIED))

/** The numbers of those: what follows from them follows only from a change. */
const key = computed(() => applied.value.map(({ id, version }) => `${id}.${version}`).join())

/** What threats must be like so that no rule hides them; undefined without rules. */
export const unhidden = computed<Node | undefined>(() => {
  if (key.value === '') return undefined
  const conditions = applied.peek().flatMap((rule) => conditionOf(rule) ?? [])
  return { kind: 'not', of: { kind: 'or', of: conditions } }
})
