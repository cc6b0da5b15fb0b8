/** The pages beside the threats: what each is there for, from end to end, by whom may do it. */

import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openPage, startBrowser, type Opened, type Watched } from './browser'
import { line, madeDay } from './day'
import { placed } from './mmdb'
import { allRead, PASSWORD, startServer, type Server } from './server'

/** Sensors are told of for 24 hours: it is the day the server is in. */
const DAY = new Date().toISOString().slice(0, 10)
const NOISE = 40
const HOSTILE = '<img src=x onerror=alert(1)>'
const made = madeDay(DAY, NOISE)
const more = [
  line(`${DAY} 00:00:01.000000`, { src: '10.0.0.77', dst: '203.0.113.9', port: 443, proto: 'TCP', type: 'IP', trail: '203.0.113.9', info: 'cobaltstrike (malware)' }),
  line(`${DAY} 00:00:02.000000`, { sensor: '<b>gw</b>', src: '10.0.0.66', dst: '10.0.0.1', trail: 'hostile.example', info: HOSTILE, reference: '<script>alert(2)</script>' }),
]
let server: Server
let browser: Browser
let admin: string
const opened: Watched[] = []

async function open(hash: string, more: Omit<Opened, 'hash'> = {}): Promise<Page> {
  const watched = await openPage(browser, server.address, undefined, { cookie: admin, hash, ...more })
  opened.push(watched)
  return watched.page
}

beforeAll(async () => {
  const countries = placed([
    ['198.51.0.0/16', 'NL'],
    ['203.0.113.0/24', 'BR'],
  ])
  server = await startServer({ [DAY]: [more.join(''), made.lines].join('') }, { files: { 'geo.mmdb': countries }, settings: { GEO_FILES: 'geo.mmdb' } })
  admin = await server.admin()
  await allRead(server, admin, 1)
  browser = await startBrowser()
})

// Whatever was done: nothing was complained of, and nobody but the server was asked.
afterEach(async () => {
  for (const { page, complaints, strangers } of opened.splice(0)) {
    expect(complaints).toEqual([])
    expect(strangers).toEqual([])
    await page.close()
  }
})

afterAll(async () => {
  await browser.close()
  await server.stop()
})

const rows = (page: Page, table: string): Promise<string | null> => page.getByRole('grid', { name: table }).getAttribute('aria-rowcount')

describe('hunt', () => {
  test('says what is wrong and where, finds everything, says that this is all, and gives it as files', async () => {
    const page = await open('#/hunt')
    await page.getByLabel('Look for').fill('c2.evil.example port:53')
    await page.getByText('Character 17: hunts look at single events').waitFor()
    await page.getByRole('button', { name: 'Hunt', exact: true }).click()
    expect(page.url().endsWith('#/hunt')).toBe(true)
    await page.getByLabel('Look for').fill('c2.evil.example')
    await page.keyboard.press('Enter')
    await page.getByText('24 events are all there are').waitFor()
    expect(await rows(page, 'Events found')).toBe('25')
    expect(page.url()).toContain('#/hunt/c2.evil.example')
    await page.getByRole('grid').locator('tbody tr').first().click()
    await page.getByText('"asyncrat (malware)" (static)').waitFor()
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()])
    const csv = await readFile(await file.path(), 'utf8')
    expect(csv.trimEnd().split('\r\n')).toHaveLength(25)
    expect(csv).toContain('10.0.0.5')
    await page.getByRole('link', { name: /^Its threat on/ }).click()
    await page.getByRole('grid', { name: 'Threats' }).waitFor()
    await page.goBack()
    await page.getByText('24 events are all there are').waitFor()
  })

  test('of nothing says that nothing is like that', async () => {
    const page = await open('#/hunt/nothing.example')
    await page.getByText('0 events are all there are').waitFor()
    await page.getByText(/is like that\./).waitFor()
  })
})

describe('map', () => {
  test('counts countries of what is shown, and leads to their threats', async () => {
    const page = await open('#/map')
    const countries = page.getByRole('table', { name: 'Countries' })
    await countries.getByRole('row', { name: /Brazil/ }).waitFor()
    expect(await countries.getByRole('row').count()).toBe(2)
    await page.locator('.world path').first().waitFor()
    await page.getByLabel('with what only knocks from outside').check()
    await countries.getByRole('row', { name: new RegExp(`Netherlands ${NOISE} ${NOISE} ${NOISE}`) }).waitFor()
    await countries.getByRole('button', { name: /Netherlands/ }).click()
    expect(page.url()).toContain('#/map/NL')
    await page.getByRole('link', { name: 'Show these threats' }).click()
    await expect.poll(() => rows(page, 'Threats')).toBe(String(NOISE + 1))
  })
})

describe('health', () => {
  test('tells which sensors are heard, and what is missing', async () => {
    const page = await open('#/health')
    await page.getByRole('table', { name: 'Sensors' }).getByRole('row', { name: /gw/ }).first().waitFor()
    await page.getByRole('list', { name: 'What is wrong, and what to do' }).getByText(/there are no trails here/).waitFor()
    await page.getByText('there are no feeds to tell of').waitFor()
  })
})

describe('a host', () => {
  test('tells its days, opens its threats, leads to family and trail', async () => {
    const page = await open('#/host/10.0.0.5')
    await page.getByRole('button', { name: `${DAY}: 24 events` }).waitFor()
    await expect.poll(() => rows(page, 'Threats')).toBe('2')
    await page.getByRole('grid', { name: 'Threats' }).press('Enter')
    await page.getByRole('complementary').getByText('a local host asked for it').waitFor()
    expect(page.url()).toContain('#/host/10.0.0.5')
    await page.getByRole('link', { name: 'asyncrat (malware)' }).first().click()
    await page.getByRole('heading', { name: 'asyncrat', exact: true }).waitFor()
    await page.getByRole('link', { name: 'c2.evil.example' }).first().click()
    await page.getByRole('heading', { name: 'c2.evil.example', exact: true }).waitFor()
    await page.getByText(/^No list has it now/).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('m')
    await page.getByRole('heading', { name: 'Where the other ends are' }).waitFor()
  })
})

describe('rules', () => {
  test('are tried before they are made, hide, and can be taken back', async () => {
    const page = await open('#/rules')
    await page.getByLabel(/^Leave out/).fill('src:10.0.0.77')
    await page.getByText(/It would hide 1 of \d+ threats/).waitFor()
    await page.getByLabel('Why').fill('a scanner of ours')
    await page.getByRole('button', { name: 'Make this rule' }).click()
    await page.getByRole('table', { name: 'Rules' }).getByText('a scanner of ours').waitFor()
    await page.getByRole('link', { name: 'Threats', exact: true }).click()
    await page.getByText('1 threat hidden by 1 rule').waitFor()
    await expect.poll(() => rows(page, 'Threats')).toBe('3')
    await page.getByText('1 threat hidden by 1 rule').click()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('nothing is hidden').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByRole('table', { name: 'Rules' }).getByText('a scanner of ours').waitFor()
    await page.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('nothing is hidden').waitFor()
  })
})

describe('accounts', () => {
  test('are made with a password that is shown once, and removed by a second click', async () => {
    const page = await open('#/accounts')
    await page.getByLabel('Name').fill('berta')
    await page.getByLabel(/^Sees only/).fill('10.0.0.0/24')
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('alert').getByText(/Password of berta/).waitFor()
    const row = page.getByRole('row', { name: /berta/ })
    await row.getByText('10.0.0.0/24').waitFor()
    await row.getByText('to be changed at the next login').waitFor()
    await row.getByRole('button', { name: 'Remove' }).click()
    await row.getByRole('button', { name: 'Yes: remove berta' }).click()
    await row.waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Audit' }).click()
    await page.getByRole('row', { name: /removed an account berta/ }).waitFor()
  })

  test('change their own password and make tokens', async () => {
    const cookie = await server.reader(admin, 'carla', '')
    const page = await open('#/account', { cookie })
    await page.getByLabel('Password until now').fill(PASSWORD)
    await page.getByLabel(/^New password, /).fill('another one for tests')
    await page.getByLabel('New password again').fill('another one for tests')
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByText('Your password is changed').waitFor()
    await page.getByLabel('Called').fill('reports')
    await page.getByRole('button', { name: 'Make a token' }).click()
    await page.getByText('The token, shown this once').waitFor()
    await page.getByRole('row', { name: /reports scripts carla/ }).waitFor()
  })
})

describe('a saved view', () => {
  test('that is shared is there for others, and shows what was shown', async () => {
    const page = await open('#/threats?q=src%3A10.0.0.77')
    await page.getByRole('button', { name: 'Saved views' }).click()
    await page.getByLabel('Save what is shown as').fill('Only 77')
    await page.getByLabel('for everybody').check()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('link', { name: 'Only 77' }).waitFor()
    const other = await open('#/threats', { cookie: await server.reader(admin, 'dora', '') })
    await other.getByRole('button', { name: 'Saved views' }).click()
    await other.getByRole('link', { name: 'Only 77' }).click()
    await expect.poll(() => rows(other, 'Threats')).toBe('2')
    expect(other.url()).toContain('q=src')
  })
})

describe('who may see less', () => {
  test('sees only theirs, everywhere', async () => {
    const cookie = await server.reader(admin, 'emil', '10.0.0.77')
    const page = await open('#/threats?noise=shown', { cookie })
    await expect.poll(() => rows(page, 'Threats')).toBe('2')
    expect(await page.getByRole('link', { name: 'Accounts' }).count()).toBe(0)
    await page.goto(`${server.address}/#/host/10.0.0.5`)
    await page.getByText('No event that is kept is about it.').waitFor()
    await page.goto(`${server.address}/#/hunt/src%3A10.0.0.0%2F8`)
    await page.getByText('1 event are all there are').or(page.getByText('1 event is all there is')).waitFor()
    await page.goto(`${server.address}/#/rules`)
    await page.getByText('Only administrators make rules.').waitFor()
  })
})

describe('hostile text', () => {
  test('stays text on every page', async () => {
    for (const hash of ['#/host/10.0.0.66', '#/trail/hostile.example', `#/family/${encodeURIComponent(HOSTILE)}`, '#/hunt/hostile.example', '#/health', `#/rules/${encodeURIComponent(HOSTILE)}`]) {
      const page = await open(hash)
      page.on('dialog', () => expect.fail(`a script ran on ${hash}`))
      await page.getByText(hash.includes('health') ? '<b>gw</b>' : hash.includes('rules') ? /It would hide/ : HOSTILE).first().waitFor()
      expect(await page.locator('main img, main script, main b:text-is("gw")').count()).toBe(0)
    }
  })
})
