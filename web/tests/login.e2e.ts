/** The main job from end to end: log in for the first time, choose a password, see what matters most. */

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, startBrowser } from './browser'
import { madeDay } from './day'
import { FIRST_PASSWORD, PASSWORD, startServer, type Server } from './server'

const DAY = '2026-11-20'
const made = madeDay(DAY, 300)
let server: Server
let browser: Browser

beforeAll(async () => {
  server = await startServer({ [DAY]: made.lines })
  browser = await startBrowser()
})

afterAll(async () => {
  await browser.close()
  await server.stop()
})

describe('first login', () => {
  test('leads to the threats of the latest day, what matters most first', async () => {
    const { page, complaints, strangers } = await openPage(browser, server.address)
    await page.getByLabel('Name').fill('admin')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('alert').getByText(/./).waitFor()
    expect(complaints.filter((text) => text.includes('401'))).toHaveLength(1)
    complaints.length = 0
    await page.getByLabel('Password').fill(FIRST_PASSWORD)
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByLabel('Password until now').fill(FIRST_PASSWORD)
    await page.getByLabel(/^New password, /).fill(PASSWORD)
    await page.getByLabel('New password again').fill(PASSWORD)
    await page.getByRole('button', { name: 'Change it' }).click()
    const table = page.getByRole('grid', { name: 'Threats' })
    await table.waitFor()
    const first = table.locator('tbody tr').first()
    await first.getByText('asyncrat').waitFor()
    expect(await first.textContent()).toContain('10.0.0.5')
    // What only knocks is folded away.
    expect(await table.getAttribute('aria-rowcount')).toBe('2')
    // Only rows in sight exist.
    expect(await table.locator('tbody tr').count()).toBeLessThan(60)
    await page.getByLabel('Search threats').fill('dir:inbound')
    await expect.poll(() => table.getAttribute('aria-rowcount')).toBe(String(made.threats))
    expect(page.url()).toContain('q=dir')
    await page.getByRole('button', { name: 'Settings of admin' }).click()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('button', { name: 'Log in' }).waitFor()
    expect(complaints).toEqual([])
    expect(strangers).toEqual([])
    await page.close()
  })
})
