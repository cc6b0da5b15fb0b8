/** The system's Chromium, with nothing of its own to ask the network for. */

import { chromium, type Browser, type Page } from 'playwright-core'

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium'
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function startBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: ARGUMENTS })
}

/** What a page must not do: whatever it complains of, and whom it asks besides its server. */
export interface Watched {
  readonly page: Page
  readonly complaints: string[]
  readonly strangers: string[]
}

/** As whom, where, and in which light a page is opened. */
export interface Opened {
  /** Of somebody logged in. */
  readonly cookie?: string
  /** What is shown: `#/health`. */
  readonly hash?: string
  readonly theme?: 'light' | 'dark'
}

/** Opens a page of a browser without a past, and watches it. */
export async function openPage(browser: Browser, address: string, size = { width: 1600, height: 900 }, { cookie, hash = '', theme = 'light' }: Opened = {}): Promise<Watched> {
  const page = await browser.newPage({ viewport: size, reducedMotion: 'reduce', colorScheme: theme })
  if (cookie !== undefined) {
    const [name = '', value = ''] = cookie.split('=', 2)
    await page.context().addCookies([{ name, value, url: address }])
  }
  const complaints: string[] = []
  const strangers: string[] = []
  // A stranger is asked who they are: the 401 is the answer.
  const expected = (text: string, url: string): boolean => text.includes('401') && url.endsWith('/api/v1/account')
  page.on('console', (message) => {
    const { url } = message.location()
    if (['error', 'warning'].includes(message.type()) && !expected(message.text(), url)) complaints.push(`${message.text()} ${url}`)
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(address)) strangers.push(request.url())
  })
  await page.goto(`${address}/${hash}`)
  return { page, complaints, strangers }
}
