/** The threats page as an analyst works with it: search, filters, detail, decisions of two at once, files, hostile text. */

import { readFile } from 'node:fs/promises'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { barriers } from './axe'
import { openPage, startBrowser, type Watched } from './browser'
import { HOSTILE, mixedDay } from './day'
import { startServer, type Server } from './server'

const DAY = '2026-11-20'
const NOISE = 40
const made = mixedDay(DAY, NOISE)
/** Threats that are not folded away. */
const PLAIN = made.threats - NOISE
const NAME = 'anna'
const ANNA = 'the password of anna'

let server: Server
let browser: Browser
let admin: string
let anna: string

beforeAll(async () => {
  server = await startServer({ [DAY]: made.lines })
  browser = await startBrowser()
  admin = await server.admin()
  anna = await second(NAME)
})

afterAll(async () => {
  await browser.close()
  await server.stop()
})

/** Makes another account, past the change of its password. */
async function second(name: string): Promise<string> {
  await server.call(admin, 'POST', 'api/v1/accounts', { name, password: 'for the first time', uid: 0 })
  const logIn = (password: string): Promise<Response> => server.call('', 'POST', 'login', { name, password })
  const cookie = (await logIn('for the first time')).headers.get('set-cookie')?.split(';')[0] ?? ''
  await server.call(cookie, 'POST', 'api/v1/account/password', { current: 'for the first time', new: ANNA })
  return cookie
}

interface Opened extends Watched {
  readonly table: Locator
  readonly rows: () => Promise<number>
}

/** Opens a screen as somebody logged in. */
async function open(hash: string, cookie = admin, size?: { width: number; height: number }): Promise<Opened> {
  const watched = await openPage(browser, server.address, size, { cookie })
  const { page } = watched
  await page.goto(`${server.address}/${hash}`)
  const table = page.getByRole('grid')
  return { ...watched, table, rows: async () => Number((await table.getAttribute('aria-rowcount')) ?? 0) - 1 }
}

/** The row with a text in it. */
const row = (table: Locator, text: string): Locator => table.locator('tbody tr', { hasText: text }).first()

async function search(page: Page, text: string): Promise<void> {
  await page.getByLabel('Search threats').fill(text)
}

/** Searches, and the threats they find. */
const TERMS: readonly (readonly [string, number])[] = [
  ['src:10.0.0.5', 1],
  ['src:10.0.0.0/8', 5],
  ['src:10.0.0.5-10.0.0.6', 3],
  ['src:2001:db8::/32', 1],
  ['dst:203.0.113.9', 1],
  ['port:53', 3],
  ['port:>100', 1],
  ['proto:tcp -dir:inbound sev:medium+', 3],
  ['type:URL,UA', 2],
  ['trail:evil.example', 2],
  ['info:asyncrat', 2],
  ['family:wannacry', 1],
  ['sensor:branch', 1],
  ['sev:high', 4],
  ['dir:lateral', 1],
  ['count:>10', 1],
  ['score:<1', 0],
  ['status:open', PLAIN],
  ['status:resolved', 0],
  ['note:>0', 0],
  ['c2.evil', 2],
  ['*tunnel*', 1],
  ['(src:10.0.0.5 OR src:10.0.0.7) NOT type:IP', 1],
  ['"dns tunnel"', 1],
  ['dir:inbound', NOISE],
]

describe('search', () => {
  test('finds by every kind of term', async () => {
    const { page, rows, table, complaints, strangers } = await open('#/threats')
    await table.waitFor()
    for (const [text, expected] of TERMS) {
      await search(page, text)
      if (expected === 0) await page.getByText('Nothing is like that').waitFor()
      else await expect.poll(rows, { message: text }).toBe(expected)
      expect(new URL(page.url()).hash).toContain('q=')
    }
    expect(complaints).toEqual([])
    expect(strangers).toEqual([])
    await page.close()
  })

  test('says where it is wrong, and offers what may come next', async () => {
    const { page, table, rows } = await open('#/threats')
    await table.waitFor()
    await search(page, 'sev:high port:x ')
    await page.getByText('Character 10: ').waitFor()
    expect(await rows()).toBe(PLAIN)
    await search(page, 'sev:h')
    await page.getByRole('option', { name: 'high' }).click()
    await expect.poll(rows).toBe(4)
    expect(await page.getByLabel('Search threats').inputValue()).toBe('sev:high ')
    await search(page, '')
    await page.keyboard.type('src:')
    await page.getByRole('option', { name: '10.0.0.6' }).waitFor()
    await page.close()
  })
})

describe('values', () => {
  test('are looked for, left out, and gone back from', async () => {
    const { page, table, rows } = await open('#/threats')
    await row(table, 'wannacry').getByRole('button', { name: '10.0.0.7' }).click()
    await expect.poll(rows).toBe(1)
    expect(new URL(page.url()).hash).toContain('q=src%3A10.0.0.7')
    await page.goBack()
    await expect.poll(rows).toBe(PLAIN)
    await row(table, 'wannacry').getByRole('button', { name: '10.0.0.7' }).click({ modifiers: ['Alt'] })
    await expect.poll(rows).toBe(PLAIN - 1)
    expect(await page.getByLabel('Search threats').inputValue()).toBe('-src:10.0.0.7')
    await row(table, 'asyncrat').getByRole('button', { name: '10.0.0.5' }).click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Look for nothing else' }).click()
    await expect.poll(rows).toBe(1)
    await page.close()
  })

  test('figures and status are filters too; groups lead to their threats', async () => {
    const { page, table, rows } = await open('#/threats')
    await table.waitFor()
    await page.getByRole('button', { name: /^high/ }).click()
    await expect.poll(rows).toBe(4)
    await page.getByRole('button', { name: /^high/ }).click()
    await expect.poll(rows).toBe(PLAIN)
    await page.getByRole('radio', { name: 'Indicators' }).click()
    await page.getByRole('grid', { name: 'Indicators' }).waitFor()
    await row(table, 'c2.evil.example').locator('td').first().click()
    await page.getByRole('grid', { name: 'Threats' }).waitFor()
    await expect.poll(rows).toBe(2)
    await page.close()
  })

  test('noise is counted, and a click away', async () => {
    const { page, table, rows } = await open('#/threats')
    await table.waitFor()
    const noise = page.getByRole('region', { name: 'Noise from outside' })
    await noise.getByText(`${NOISE} threats`).waitFor()
    await noise.getByRole('button', { name: /^Known attackers/ }).click()
    await expect.poll(rows).toBe(NOISE)
    await noise.getByRole('button', { name: 'Fold away' }).click()
    await expect.poll(rows).toBe(PLAIN)
    await noise.getByRole('button', { name: 'Show all' }).click()
    await expect.poll(rows).toBe(made.threats)
    await page.close()
  })

  test('the table sorts, and part of the time can be chosen', async () => {
    const { page, table, rows } = await open('#/threats')
    await table.getByRole('button', { name: 'Host' }).click()
    await table.getByRole('button', { name: 'Host' }).click()
    await expect.poll(() => table.getByRole('columnheader', { name: 'Host' }).getAttribute('aria-sort')).toBe('ascending')
    await expect.poll(() => table.locator('tbody tr').first().textContent()).toContain('10.0.0.5')
    const time = page.getByRole('slider', { name: 'Time that is shown' })
    await time.focus()
    // The third hour has the beacon and four others.
    for (let hour = 0; hour < 3; hour++) await page.keyboard.press('ArrowRight')
    await expect.poll(rows).toBe(5)
    await page.keyboard.press('Shift+ArrowLeft')
    await expect.poll(rows).toBe(6)
    await page.keyboard.press('Escape')
    await expect.poll(rows).toBe(PLAIN)
    const box = await time.boundingBox()
    if (box === null) throw new Error('no time line')
    const at = (hour: number): [number, number] => [box.x + (box.width * (hour + 0.5)) / 24, box.y + 20]
    await page.mouse.move(...at(1))
    await page.mouse.down()
    await page.mouse.move(...at(2), { steps: 4 })
    await page.mouse.up()
    await expect.poll(rows).toBe(6)
    expect(page.url()).toContain('range=')
    await page.close()
  })
})

describe('the detail', () => {
  test('tells why, since when, and every event', async () => {
    const { page, table, complaints } = await open('#/threats?q=src:10.0.0.5')
    await table.waitFor()
    await table.focus()
    await page.keyboard.press('Enter')
    const detail = page.getByRole('complementary', { name: 'Detail of the threat' })
    await detail.getByText('a local host asked for it').waitFor()
    await detail.getByText('24 of 24 lines').waitFor()
    expect(await detail.getByRole('region', { name: 'Events' }).locator('tbody tr').count()).toBe(24)
    await detail.getByRole('button', { name: 'As logged' }).click()
    await detail.getByText(/gw 10\.0\.0\.5 40000 10\.0\.0\.1 53 UDP DNS/).waitFor()
    // The other host on the same indicator.
    await detail.getByRole('button', { name: '10.0.0.6' }).first().click()
    await detail.getByText('1 of 1 lines').waitFor()
    for (const link of await detail.getByRole('link', { name: 'VirusTotal' }).all()) expect(await link.getAttribute('rel')).toContain('noreferrer')
    await page.keyboard.press('Escape')
    await expect.poll(() => detail.count()).toBe(0)
    expect(complaints).toEqual([])
    await page.close()
  })
})

describe('deciding', () => {
  test('by keys, taken back, with its history', async () => {
    const { page, table, complaints } = await open('#/threats?q=wannacry')
    await row(table, 'wannacry').waitFor()
    await table.focus()
    await page.keyboard.press('s')
    await page.getByRole('dialog', { name: /^Status/ }).waitFor()
    await page.keyboard.press('2')
    await row(table, 'Investigating').waitFor()
    await page.getByRole('status').getByText('Status: Investigating.').waitFor()
    await page.keyboard.press('z')
    await row(table, 'Open').waitFor()
    await page.getByText('It is as it was before.').waitFor()
    await page.keyboard.press('n')
    await page.getByLabel('What is to be known about it').fill('seen <b>before</b>')
    await page.keyboard.press('Control+Enter')
    await page.getByText('The note was added.').waitFor()
    await page.keyboard.press('t')
    await page.getByLabel(/^Tags to add/).fill('known, worm')
    await page.keyboard.press('Enter')
    await page.getByText('The threat: +known, +worm.').waitFor()
    await search(page, 'tag:worm')
    await row(table, 'wannacry').waitFor()
    await table.focus()
    await page.keyboard.press('Enter')
    const detail = page.getByRole('complementary')
    await detail.getByText('seen <b>before</b>').waitFor()
    await detail.getByText(/tags none → /).waitFor()
    expect(complaints).toEqual([])
    await page.close()
  })

  test('two at once: who was slower is told, and may do it anyway', async () => {
    const { page, table } = await open('#/threats?q=tunnel.example', anna)
    await row(table, 'tunnel.example').waitFor()
    await table.focus()
    await page.keyboard.press('Enter')
    await expect.poll(() => new URL(page.url()).hash).toContain('threat=')
    const threat = /threat=([0-9a-f]{16})/.exec(page.url())?.[1] ?? ''
    await page.keyboard.press('Escape')
    // What others do must not arrive by itself here: it is the slower one that is tried.
    await page.route('**/api/v1/{live,triage}*', (route) => (route.request().method() === 'GET' ? route.abort() : route.fallback()))
    const answer = await server.call(admin, 'POST', 'api/v1/triage', { threats: [threat], day: DAY, change: { status: 'ignored' } })
    expect(answer.ok).toBe(true)
    await table.focus()
    await page.keyboard.press('s')
    await page.getByRole('dialog').getByRole('button', { name: /^Resolved/ }).click()
    await page.getByText('admin was quicker: the threat is ignored.').waitFor()
    await row(table, 'Ignored').waitFor()
    await page.getByRole('button', { name: 'Make it anyway' }).click()
    await row(table, 'Resolved').waitFor()
    // What does not clash is merged.
    await server.call(admin, 'POST', 'api/v1/triage', { threats: [threat], day: DAY, change: { add_tags: ['theirs'] } })
    await page.keyboard.press('a')
    await page.getByLabel(/^Name of an account/).fill(NAME)
    await page.keyboard.press('Enter')
    await page.getByText('both changes are kept').waitFor()
    const { triage } = (await (await server.call(admin, 'GET', `api/v1/triage/${threat}`)).json()) as { triage: { status: string; assignee: string; tags: string[] } }
    expect(triage).toMatchObject({ status: 'resolved', assignee: NAME, tags: ['theirs'] })
    await page.close()
  })

  test('of many at once, and back', async () => {
    const { page, table } = await open('#/threats?q=asyncrat')
    await expect.poll(() => table.locator('tbody tr').count()).toBe(2)
    await table.focus()
    await page.keyboard.press('x')
    await page.keyboard.press('j')
    await page.keyboard.press('Shift+X')
    const bar = page.getByRole('toolbar', { name: 'What is selected' })
    await bar.getByText('2 threats selected').waitFor()
    await bar.getByRole('button', { name: 'False alarm' }).click()
    await expect.poll(() => table.getByRole('button', { name: 'False alarm' }).count()).toBe(2)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect.poll(() => table.getByRole('button', { name: 'Open' }).count()).toBe(2)
    await page.getByText('It is as it was before.').first().waitFor()
    await page.close()
  })
})

describe('how somebody likes it', () => {
  test('is remembered', async () => {
    const { page, table } = await open('#/threats')
    const host = table.getByRole('columnheader', { name: 'Host' })
    const width = async (): Promise<number> => Math.round((await host.boundingBox())?.width ?? 0)
    await host.waitFor()
    const before = await width()
    const box = await host.boundingBox()
    if (box === null) throw new Error('no head')
    await page.mouse.move(box.x + box.width - 3, box.y + 10)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width + 57, box.y + 10, { steps: 3 })
    await page.mouse.up()
    await expect.poll(width).toBe(before + 60)
    await page.getByRole('button', { name: 'Columns' }).click()
    await page.getByRole('checkbox', { name: 'Port' }).uncheck()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Settings of admin' }).click()
    await page.getByRole('radio', { name: 'Light' }).check()
    await page.getByRole('radio', { name: 'Compact' }).check()
    await page.reload()
    await host.waitFor()
    await expect.poll(width).toBe(before + 60)
    expect(await table.getByRole('columnheader', { name: 'Port' }).count()).toBe(0)
    expect(await page.evaluate(() => ({ theme: document.documentElement.dataset.theme, density: document.documentElement.dataset.density }))).toMatchObject({ theme: 'light', density: 'compact' })
    // Anna likes it otherwise, on the same machine.
    const other = await open('#/threats', anna)
    await other.table.getByRole('columnheader', { name: 'Port' }).waitFor()
    await other.page.close()
    await page.close()
  })

  test('nothing jumps while threats come', async () => {
    const { page, table } = await open('#/threats')
    await table.waitFor()
    await page.getByText('sensors').waitFor()
    const shifts = await page.evaluate(
      () =>
        new Promise<number>((resolve) => {
          new PerformanceObserver((list) => resolve(list.getEntries().reduce((sum, entry) => sum + (entry as PerformanceEntry & { value: number }).value, 0))).observe({
            type: 'layout-shift',
            buffered: true,
          })
          // Without a shift nobody is told.
          requestIdleCallback(() => resolve(0), { timeout: 2000 })
        }),
    )
    expect(shifts).toBeLessThan(0.05)
    await page.close()
  })
})

describe('files', () => {
  const save = async (page: Page, name: RegExp): Promise<string> => {
    await page.getByRole('button', { name: 'Export and share' }).click()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()])
    return await readFile(await download.path(), 'utf8')
  }

  test('hold what is shown, in three forms', async () => {
    const { page, table, complaints } = await open('#/threats?q=type:DNS&sort=-count')
    await table.waitFor()
    const csv = (await save(page, /^CSV/)).trimEnd().split('\r\n')
    expect(csv[0]).toMatch(/^threat,score,severity,/)
    expect(csv).toHaveLength(4)
    expect(csv[1]).toContain(',10.0.0.5,DNS,c2.evil.example,')
    const json = JSON.parse(await save(page, /^JSON/)) as { source: string; events: number }[]
    expect(json).toHaveLength(3)
    expect(json[0]).toMatchObject({ source: '10.0.0.5', events: 24 })
    const text = await save(page, /^Text/)
    expect(text).toContain('c2[.]evil[.]example')
    expect(text).not.toContain('evil.example')
    expect(complaints).toEqual([])
    await page.close()
  })
})

describe('what goes wrong', () => {
  test('is told, and tried again', async () => {
    const { page, table, rows } = await open('#/health')
    await page.getByRole('link', { name: 'Threats', exact: true }).waitFor()
    await page.route('**/api/v1/threats/**', (route) => route.abort())
    await page.goto(`${server.address}/#/threats`)
    await page.reload()
    await page.getByRole('alert').getByText('The threats could not be read').waitFor()
    await page.unroute('**/api/v1/threats/**')
    await page.getByRole('button', { name: 'Try again' }).click()
    await table.waitFor()
    await expect.poll(rows).toBe(PLAIN)
    // The server is gone: what was there stays, and the header says so.
    await page.route('**/api/v1/**', (route) => route.abort())
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await page.getByText('offline').waitFor()
    await search(page, 'sev:high')
    await expect.poll(rows).toBe(4)
    await table.focus()
    await page.keyboard.press('s')
    await page.keyboard.press('3')
    await page.getByText('Not changed: the server cannot be reached').waitFor()
    await expect.poll(() => table.getByRole('button', { name: 'Resolved' }).count()).toBe(0)
    await page.close()
  })
})

describe('hostile text', () => {
  test('is text in every place', async () => {
    const { page, table, complaints, strangers } = await open('#/threats?q=src:10.0.0.9')
    await row(table, HOSTILE).waitFor()
    const title = await page.title()
    await table.focus()
    await page.keyboard.press('Enter')
    const detail = page.getByRole('complementary')
    await detail.getByText('1 of 1 lines').waitFor()
    await row(table, HOSTILE).getByRole('button').nth(1).click({ button: 'right' })
    await page.getByRole('menu').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('radio', { name: 'Families' }).click()
    await row(table, HOSTILE).waitFor()
    await search(page, 'sensor:')
    await page.getByRole('option').first().waitFor()
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe(title)
    expect(complaints).toEqual([])
    expect(strangers).toEqual([])
    await page.close()
  })
})

describe('everybody can use it', () => {
  test.each(['dark', 'light'] as const)('no barriers in %s', async (theme) => {
    const { page, table } = await open('#/threats')
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
    await row(table, 'asyncrat').waitFor()
    expect(await barriers(page)).toEqual([])
    await table.focus()
    await page.keyboard.press('x')
    await page.keyboard.press('Enter')
    await page.getByText('24 of 24 lines').waitFor()
    expect(await barriers(page)).toEqual([])
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keys and search' }).waitFor()
    expect(await barriers(page)).toEqual([])
    await page.close()
  })

  test('fits 390 px', async () => {
    const { page, table } = await open('#/threats', admin, { width: 390, height: 800 })
    await row(table, 'asyncrat').waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    expect(await barriers(page)).toEqual([])
    await row(table, 'asyncrat').click()
    await page.getByText('24 of 24 lines').waitFor()
    expect(await barriers(page)).toEqual([])
    await page.getByRole('button', { name: 'Close the detail' }).click()
    await row(table, 'asyncrat').waitFor()
    await page.close()
  })
})
