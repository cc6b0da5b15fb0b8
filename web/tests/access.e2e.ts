/** Whether everybody can use every page: axe-core finds nothing serious, in both themes and on a narrow screen. */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { barriers } from './axe'
import { openPage, startBrowser } from './browser'
import { madeDay } from './day'
import { allRead, startServer, type Server } from './server'

const DAY = '2026-11-20'
/** Every page, and the words that tell that it is there. */
const SCREENS: readonly (readonly [hash: string, there: string | RegExp])[] = [
  ['#/threats', /asyncrat/],
  ['#/host/10.0.0.5', 'In all traffic'],
  ['#/family/asyncrat', 'As trails call it'],
  ['#/trail/c2.evil.example', 'On lists now'],
  ['#/hunt', 'Without days it looks at all of them'],
  ['#/hunt/c2.evil.example', 'all there are'],
  ['#/map?noise=shown', /No address can be placed/],
  ['#/health', 'Zone of days'],
  ['#/rules/src%3A10.0.0.5', /It would hide/],
  ['#/accounts', 'New account'],
  ['#/audit', 'logged in'],
  ['#/account', 'Where you are logged in'],
]
let server: Server
let browser: Browser
let admin: string

beforeAll(async () => {
  server = await startServer({ [DAY]: madeDay(DAY, 60).lines })
  admin = await server.admin()
  await allRead(server, admin, 1)
  browser = await startBrowser()
})

afterAll(async () => {
  await browser.close()
  await server.stop()
})

/** What keeps somebody out of a screen. */
async function found(hash: string, there: string | RegExp, theme: 'light' | 'dark', width: number): Promise<string[]> {
  const { page } = await openPage(browser, server.address, { width, height: 900 }, { cookie: admin, hash, theme })
  await page.getByText(there).first().waitFor()
  const kept = await barriers(page)
  await page.close()
  return kept
}

describe.each(['light', 'dark'] as const)('in %s', (theme) => {
  test.each(SCREENS)('%s keeps nobody out', async (hash, there) => {
    expect(await found(hash, there, theme, 1600)).toEqual([])
  })
})

test.each(SCREENS)('%s keeps nobody out on a narrow screen', async (hash, there) => {
  expect(await found(hash, there, 'light', 390)).toEqual([])
})
