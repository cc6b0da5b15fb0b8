/**
 * The page as it was just built, in front of a server that was built with another: what lies in MALTRAIL_PAGE (dist/page)
 * is given out with the headers that the server gives its own page, everything else is the server's.
 */

import { readFile } from 'node:fs/promises'
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { extname, join, normalize } from 'node:path'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.json': 'application/json',
}

export interface Front {
  readonly address: string
  stop(): Promise<void>
}

/** Stands before the server at an address. */
export async function startFront(server: string, directory: string): Promise<Front> {
  const { headers } = await fetch(`${server}/`)
  const front = createServer((asked, answer) => {
    const path = new URL(asked.url ?? '/', server).pathname
    if (path === '/' || path.startsWith('/assets/')) void file(path === '/' ? 'index.html' : path, answer)
    else pass(asked, answer)
  })
  const file = async (path: string, answer: ServerResponse): Promise<void> => {
    try {
      const body = await readFile(join(directory, normalize(path)))
      for (const name of ['content-security-policy', 'x-content-type-options', 'referrer-policy', 'cross-origin-opener-policy']) {
        const value = headers.get(name)
        if (value !== null) answer.setHeader(name, value)
      }
      answer.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream')
      answer.end(body)
    } catch {
      answer.writeHead(404).end()
    }
  }
  const pass = (asked: IncomingMessage, answer: ServerResponse): void => {
    const sent = { ...asked.headers, host: new URL(server).host, ...(asked.headers.origin === undefined ? {} : { origin: server }) }
    const onward = request(new URL(asked.url ?? '/', server), { method: asked.method, headers: sent }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    answer.on('close', () => onward.destroy())
    asked.pipe(onward)
  }
  front.listen(0, '127.0.0.1')
  await once(front, 'listening')
  const at = front.address()
  if (at === null || typeof at === 'string') throw new Error('no address')
  return {
    address: `http://127.0.0.1:${at.port}`,
    stop: async () => {
      front.close()
      front.closeAllConnections()
      await once(front, 'close')
    },
  }
}
