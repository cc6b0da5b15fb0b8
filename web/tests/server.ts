/** A server of our own for tests: the built program on an empty directory, on a port of its own, with a generated day. */

import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { once } from 'node:events'
import { startFront } from './page'

const BINARY = process.env.MALTRAIL_BINARY ?? join(import.meta.dirname, '../../target/debug/maltrail')

/** The administrator's first password, and the one that tests change it to. */
export const FIRST_PASSWORD = 'changeme!'
export const PASSWORD = 'a password for tests'

export interface Server {
  readonly address: string
  /** Port on which it takes events over UDP. */
  readonly udp: number
  /** Sends a request past the browser, as somebody logged in. */
  call(cookie: string, method: string, path: string, body?: unknown): Promise<Response>
  /** A cookie of the administrator, past the change of the password. */
  admin(): Promise<string>
  /** Makes an account that may read what a netfilter lets it see, past the change of its password: its cookie. */
  reader(admin: string, name: string, netfilter: string): Promise<string>
  stop(): Promise<void>
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

/** What a server has besides days. */
export interface Furniture {
  /** Files beside its configuration, which may name them. */
  readonly files?: Readonly<Record<string, Buffer>>
  readonly settings?: Readonly<Record<string, string>>
}

/** Starts a server on these days: lines of each as the text log has them. */
export async function startServer(days: Readonly<Record<string, string>>, { files = {}, settings: more = {} }: Furniture = {}): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'maltrail-page-'))
  const port = await freePort()
  // No other test runs beside this one, so what is free for TCP is taken for UDP as well.
  const udp = await freePort()
  const address = `http://127.0.0.1:${port}`
  await mkdir(join(directory, 'log'))
  for (const [day, lines] of Object.entries(days)) await writeFile(join(directory, 'log', `${day}.log`), lines)
  const settings = {
    LOG_DIR: join(directory, 'log'),
    STATE_DIR: join(directory, 'state'),
    HTTP_ADDRESS: '127.0.0.1',
    HTTP_PORT: port,
    UDP_ADDRESS: '127.0.0.1',
    UDP_PORT: udp,
    USE_FEED_UPDATES: 'false',
    ...more,
  }
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(directory, name), bytes)
  const conf = join(directory, 'maltrail.conf')
  await writeFile(conf, Object.entries(settings).map(([key, value]) => `${key} ${value}\n`).join(''))
  const child = spawn(BINARY, ['server', '-c', conf], { stdio: ['ignore', 'pipe', 'pipe'] })
  await listening(child)
  const page = process.env.MALTRAIL_PAGE
  const front = page === undefined ? undefined : await startFront(address, page)
  const call: Server['call'] = (cookie, method, path, body) =>
    fetch(`${address}/${path}`, {
      method,
      headers: { cookie, origin: address, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  return {
    address: front?.address ?? address,
    udp,
    call,
    admin: async () => {
      const first = await logIn(call, 'admin', FIRST_PASSWORD)
      if (first === undefined) return (await logIn(call, 'admin', PASSWORD)) ?? ''
      await call(first, 'POST', 'api/v1/account/password', { current: FIRST_PASSWORD, new: PASSWORD })
      return first
    },
    reader: async (admin, name, netfilter) => {
      const made = await call(admin, 'POST', 'api/v1/accounts', { name, netfilter })
      const { password } = (await made.json()) as { password: string }
      const cookie = (await logIn(call, name, password)) ?? ''
      await call(cookie, 'POST', 'api/v1/account/password', { current: password, new: PASSWORD })
      return cookie
    },
    stop: async () => {
      await front?.stop()
      child.kill('SIGTERM')
      await once(child, 'exit')
      await rm(directory, { recursive: true })
    },
  }
}

async function logIn(call: Server['call'], name: string, password: string): Promise<string | undefined> {
  const answer = await call('', 'POST', 'login', { name, password })
  return answer.ok ? answer.headers.get('set-cookie')?.split(';')[0] : undefined
}

/** Waits until a server that was just started has read its days: until then it tells of fewer. */
export async function allRead(server: Server, cookie: string, days: number): Promise<void> {
  for (;;) {
    const told = (await (await server.call(cookie, 'GET', 'api/v1/days')).json()) as { days: unknown[] }
    if (told.days.length >= days) return
  }
}

/** Waits until it says where the page is. */
async function listening(child: ChildProcess): Promise<void> {
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const hear = (data: Buffer): void => {
      said += data.toString()
      if (said.includes('the page is on')) resolve()
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.once('exit', (code) => reject(new Error(`the server ended with ${code ?? 'a signal'}: ${said}`)))
    child.once('error', reject)
  })
}
