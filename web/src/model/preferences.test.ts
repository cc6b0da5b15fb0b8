import { expect, test, vi } from 'vitest'

// The state behind it wants a browser; what is tested here does not touch it.
vi.mock('./state', () => ({}))
vi.mock('./session', () => ({ session: { value: { state: 'unknown' } } }))
const { DEFAULTS, readPreferences } = await import('./preferences')

test('what was kept is read, what is not as it should be is left as it is without', () => {
  const kept = { theme: 'dark', density: 'compact', text: 'large', zone: 'UTC', hidden: ['port'], widths: { source: 240 }, detail: 500 }
  expect(readPreferences(JSON.stringify(kept))).toEqual(kept)
  for (const text of [null, '', '{', '[]', '7', 'null', '{"theme":"pink","hidden":"all","widths":null,"detail":"wide"}']) expect(readPreferences(text)).toEqual(DEFAULTS)
  expect(readPreferences('{"hidden":["port",7],"widths":{"source":240,"port":"x"}}')).toMatchObject({ hidden: ['port'], widths: { source: 240 } })
})
