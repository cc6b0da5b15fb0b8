import { expect, test, vi } from 'vitest'
import type { Triage } from './threat'

// The state behind it wants a browser; what is tested here does not touch it.
vi.mock('./state', () => ({}))
const { applied, clashes, reversals } = await import('./triage')

const triage = (change: Partial<Triage> = {}): Triage => ({
  threat: '0123456789abcdef',
  status: 'open',
  assignee: '',
  tags: [],
  notes: 0,
  version: 1,
  changed: '2026-11-20T00:00:00Z',
  author: 'anna',
  ...change,
})

test('a change leaves what it does not name', () => {
  const before = triage({ tags: ['a', 'b'], assignee: 'anna' })
  expect(applied(before, { status: 'resolved' })).toEqual({ ...before, status: 'resolved' })
  expect(applied(before, { add_tags: ['c', 'a'], remove_tags: ['b'] }).tags).toEqual(['a', 'c'])
  expect(applied(before, { note: 'seen' }).notes).toBe(1)
})

test('only the same thing clashes', () => {
  const before = triage()
  expect(clashes(before, triage({ status: 'resolved' }), { status: 'ignored' })).toBe(true)
  expect(clashes(before, triage({ status: 'resolved' }), { status: 'resolved' })).toBe(false)
  expect(clashes(before, triage({ status: 'resolved' }), { add_tags: ['known'] })).toBe(false)
  expect(clashes(before, triage({ tags: ['x'] }), { tags: ['y'] })).toBe(true)
  expect(clashes(before, triage({ assignee: 'bert' }), { assignee: 'anna' })).toBe(true)
})

test('what was done is taken back to each state there was', () => {
  const before = [triage({ threat: 'a' }), triage({ threat: 'b', status: 'ignored' }), triage({ threat: 'c' })]
  expect(reversals(before, { status: 'resolved' })).toEqual([
    { change: { status: 'open' }, threats: ['a', 'c'] },
    { change: { status: 'ignored' }, threats: ['b'] },
  ])
  expect(reversals(before, { note: 'seen' })).toEqual([])
})
