/**
 * Deciding about threats: at once on the screen, then on the server. What somebody else changed meanwhile is merged where
 * it was something else, and asked about where it was the same. What was done can be taken back.
 */

import { call, problemOf } from './api'
import { complain, say, UNDO } from './notices'
import { openDays, worker } from './state'
import type { Triage } from './threat'
import type { Status } from './vocabulary'

/** Threats that the server takes in one call. */
export const MAX_AT_ONCE = 1000

/** What is to be changed; what is not named stays. */
export interface Change {
  readonly status?: Status
  readonly assignee?: string
  readonly tags?: readonly string[]
  readonly add_tags?: readonly string[]
  readonly remove_tags?: readonly string[]
  readonly note?: string
}

interface Answer {
  readonly changed: readonly Triage[]
  readonly conflicts: readonly Triage[]
  readonly missing: readonly string[]
}

/** What a threat is nobody decided about. */
const undecided = (threat: string): Triage => ({
  threat,
  status: 'open',
  assignee: '',
  tags: [],
  notes: 0,
  version: 0,
  changed: '1970-01-01T00:00:00Z',
  author: '',
})

/** What a change makes of triage. */
export function applied(triage: Triage, change: Change): Triage {
  const tags = new Set([...(change.tags ?? triage.tags), ...(change.add_tags ?? [])])
  for (const tag of change.remove_tags ?? []) tags.delete(tag)
  return {
    ...triage,
    status: change.status ?? triage.status,
    assignee: change.assignee ?? triage.assignee,
    tags: [...tags].sort(),
    notes: triage.notes + (change.note === undefined ? 0 : 1),
  }
}

/** Whether somebody changed the same between two states as a change does. */
export function clashes(before: Triage, now: Triage, change: Change): boolean {
  const other = (one: readonly string[], two: readonly string[]): boolean => one.join('\n') !== two.join('\n')
  return (
    (change.status !== undefined && before.status !== now.status && now.status !== change.status) ||
    (change.assignee !== undefined && before.assignee !== now.assignee && now.assignee !== change.assignee) ||
    (change.tags !== undefined && other(before.tags, now.tags))
  )
}

/** What takes a change back: for each state that there was before, the threats that go back to it. */
export function reversals(before: readonly Triage[], change: Change): { readonly change: Change; readonly threats: readonly string[] }[] {
  const groups = new Map<string, { change: Change; threats: string[] }>()
  for (const triage of before) {
    const back: Change = {
      ...(change.status === undefined ? {} : { status: triage.status }),
      ...(change.assignee === undefined ? {} : { assignee: triage.assignee }),
      ...((change.tags ?? change.add_tags ?? change.remove_tags) === undefined ? {} : { tags: triage.tags }),
    }
    if (Object.keys(back).length === 0) continue
    const key = JSON.stringify(back)
    const group = groups.get(key) ?? { change: back, threats: [] }
    group.threats.push(triage.threat)
    groups.set(key, group)
  }
  return [...groups.values()]
}

/** Changes threats. `done` says what was done, in the past: `3 threats are resolved`. */
export async function decide(threats: readonly string[], change: Change, done: string): Promise<void> {
  if (threats.length === 0) return
  const known = new Map((await worker().decided(threats)).map((triage) => [triage.threat, triage]))
  const before = threats.map((threat) => known.get(threat) ?? undecided(threat))
  worker().triaged(before.map((triage) => applied(triage, change)))
  try {
    const { conflicts, missing } = await send(before, change)
    // What is missing is as it was.
    worker().triaged(before.filter(({ threat }) => missing.includes(threat)))
    if (conflicts.length > 0) askAgain(before, conflicts, change, done)
    const failed = new Set([...missing, ...conflicts.map(({ threat }) => threat)])
    const changed = before.filter(({ threat }) => !failed.has(threat))
    if (missing.length > 0) complain(`${missing.length} of ${threats.length} threats were not changed: the server does not see them on these days.`)
    if (changed.length > 0) say(done, back(changed, change))
  } catch (error) {
    worker().triaged(before)
    complain(`Not changed: ${problemOf(error)}`, [{ name: 'Try again', act: () => void decide(threats, change, done) }])
  }
}

/** Adds a note. Notes are not taken back. */
export const note = (threats: readonly string[], text: string): Promise<void> =>
  decide(threats, { note: text }, threats.length === 1 ? 'The note was added.' : `The note was added to ${threats.length} threats.`)

function back(before: readonly Triage[], change: Change): { name: string; act: () => void }[] {
  const steps = reversals(before, change)
  if (steps.length === 0) return []
  const act = async (): Promise<void> => {
    for (const step of steps) await decide(step.threats, step.change, 'It is as it was before.')
  }
  return [{ name: UNDO, act: () => void act() }]
}

/** Sends a change: of one threat with the version that was seen, of many as it is. Merges where nothing clashes. */
async function send(before: readonly Triage[], change: Change): Promise<Answer> {
  const all = { changed: [] as Triage[], conflicts: [] as Triage[], missing: [] as string[] }
  const [only] = before
  const single = before.length === 1 ? only : undefined
  for (let from = 0; from < before.length; from += MAX_AT_ONCE) {
    const threats = before.slice(from, from + MAX_AT_ONCE).map(({ threat }) => threat)
    let answer = await post(threats, single === undefined ? change : { ...change, version: single.version })
    const [theirs] = answer.conflicts
    if (single !== undefined && theirs !== undefined && !clashes(single, theirs, change)) {
      answer = await post(threats, { ...change, version: theirs.version })
      if (answer.changed.length > 0) say(`${theirs.author} changed this threat as well; both changes are kept.`)
    }
    worker().triaged([...answer.changed, ...answer.conflicts])
    all.changed.push(...answer.changed)
    all.conflicts.push(...answer.conflicts)
    all.missing.push(...answer.missing)
  }
  return all
}

function post(threats: readonly string[], change: Change & { readonly version?: number }): Promise<Answer> {
  const days = openDays.peek()
  const [first, last] = [days[0] ?? '', days.at(-1) ?? '']
  return call<Answer>('POST', 'api/v1/triage', { threats, day: first === last ? first : `${first}_${last}`, change })
}

/** Somebody else was quicker: theirs stays unless one says otherwise. */
function askAgain(before: readonly Triage[], conflicts: readonly Triage[], change: Change, done: string): void {
  const [theirs] = conflicts
  if (theirs === undefined) return
  const tags = theirs.tags.length === 0 ? '' : `, tags ${theirs.tags.join(', ')}`
  const is = `${theirs.status}${theirs.assignee === '' ? '' : `, ${theirs.assignee} looks at it`}${tags}`
  const act = (): void => void decide(before.map(({ threat }) => threat), change, done)
  complain(`${theirs.author} was quicker: the threat is ${is}. Your change was not made.`, [{ name: 'Make it anyway', act }])
}
