/** What arrives while the page is open. */

import { createSocket } from 'node:dgram'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPage, startBrowser } from './browser'
import { PASSWORD, startServer, type Server } from './server'

let server: Server
let browser: Browser

/** The day the server is in: it shows UTC here. */
const today = (): string => new Date().toISOString().slice(0, 10)

function line(src: string, name: string, at: Date): string {
  const time = at.toISOString().replace('T', ' ').replace(/\.(\d{3})Z$/, '.$1000')
  return `"${time}" gw ${src} 40000 192.0.2.1 53 UDP DNS ${name} "asyncrat (malware)" (static)`
}

/** Sends an event as sensors do over UDP. */
async function send(src: string, name: string): Promise<void> {
  const now = new Date()
  const socket = createSocket('udp4')
  const datagram = `${Math.floor(now.getTime() / 1000)} ${line(src, name, now)}`
  await new Promise((resolve) => socket.send(datagram, server.udp, '127.0.0.1', resolve))
  socket.close()
}

async function logIn(page: Page): Promise<void> {
  await page.getByLabel('Name').fill('admin')
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Log in' }).click()
}

beforeAll(async () => {
  const start = new Date(Date.parse(`${today()}T00:00:01Z`))
  server = await startServer({ [today()]: `${line('10.0.0.5', 'first.example', start)}\n` })
  await server.admin()
  browser = await startBrowser()
})

afterAll(async () => {
  await browser.close()
  await server.stop()
})

describe('events that arrive', () => {
  test('appear, and are counted in threats that are there', async () => {
    const { page, complaints, strangers } = await openPage(browser, server.address)
    await logIn(page)
    const row = (name: string): ReturnType<Page['locator']> => page.locator('tbody tr', { hasText: name })
    await row('first.example').waitFor()
    await page.waitForFunction(() => document.documentElement.dataset.live === 'on')
    const began = performance.now()
    await send('10.0.0.9', 'second.example')
    await row('second.example').waitFor()
    // Half a second is what it may take; the machine of a test may be slower than that of a person.
    expect(performance.now() - began).toBeLessThan(5_000)
    await send('10.0.0.9', 'second.example')
    await row('second.example').locator('td', { hasText: /^2$/ }).waitFor()
    expect(await row('second.example').count()).toBe(1)
    // Loaded anew it is the same.
    await page.reload()
    await row('second.example').locator('td', { hasText: /^2$/ }).waitFor()
    expect(await page.locator('tbody tr').count()).toBe(2)
    expect(complaints).toEqual([])
    expect(strangers).toEqual([])
    await page.close()
  })
})
