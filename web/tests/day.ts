/** A day of events as text lines, made up: what is worth a look among what is not. */

/** One event as the text log has it. */
export const line = (at: string, parts: { sensor?: string; src: string; dst: string; port?: number; proto?: string; type?: string; trail: string; info: string; reference?: string }): string => {
  const { sensor = 'gw', src, dst, port = 53, proto = 'UDP', type = 'DNS', trail, info, reference = '(static)' } = parts
  return `"${at}" ${sensor} ${src} 40000 ${dst} ${port} ${proto} ${type} ${trail} "${info}" ${reference}\n`
}

/** Seconds of a day as its time. */
const time = (second: number): string => new Date(1000 * second).toISOString().slice(11, 19)

export interface MadeDay {
  readonly lines: string
  readonly events: number
  readonly threats: number
}

/**
 * A beacon of 10.0.0.5 to `c2.evil.example` every hour (24 events), and `noise` scanners that knock once each, from
 * 198.51.100.0/24 and on.
 */
export function madeDay(day: string, noise: number): MadeDay {
  const lines: string[] = []
  for (let hour = 0; hour < 24; hour++) {
    const at = `${day} ${time(3600 * hour + 17)}.000000`
    lines.push(line(at, { src: '10.0.0.5', dst: '10.0.0.1', trail: '(www).c2.evil.example', info: 'asyncrat (malware)' }))
  }
  for (let i = 0; i < noise; i++) {
    const src = `198.51.${100 + (i >> 8)}.${i & 255}`
    const at = `${day} ${time(Math.floor((86_000 * i) / Math.max(1, noise)))}.500000`
    lines.push(line(at, { src, dst: '10.0.0.9', port: 22, proto: 'TCP', type: 'IP', trail: src, info: 'known attacker', reference: 'feed.example' }))
  }
  lines.sort()
  return { lines: lines.join(''), events: 24 + noise, threats: 1 + noise }
}

/** Text as those write it who want a page to run it. */
export const HOSTILE = '<img/src=x/onerror=document.title=1>'

/**
 * A day for searching: the beacon of `madeDay`, another host on the same indicator, a download, a lateral worm, a tunnel to an
 * IPv6 address, and hostile text in every field that a stranger can fill.
 */
export function mixedDay(day: string, noise: number): MadeDay {
  const { lines, events } = madeDay(day, noise)
  const at = (second: number): string => `${day} ${time(second)}.250000`
  const more = [
    line(at(3600), { src: '10.0.0.6', dst: '10.0.0.1', trail: 'c2.evil.example', info: 'asyncrat (malware)' }),
    line(at(7200), { src: '10.0.0.6', dst: '203.0.113.9', port: 80, proto: 'TCP', type: 'URL', trail: 'evil.example/arm7', info: 'iot download (malicious)' }),
    line(at(7260), { sensor: 'branch', src: '10.0.0.7', dst: '10.0.0.8', port: 445, proto: 'TCP', type: 'IP', trail: '10.0.0.8', info: 'wannacry (malware)', reference: '(custom)' }),
    line(at(7320), { src: '2001:db8::7', dst: '2001:db8::1', trail: 'tunnel.example', info: 'dns tunnel (suspicious)', reference: '(heuristic)' }),
    line(at(7380), { sensor: HOSTILE, src: '10.0.0.9', dst: '203.0.113.66', port: 80, proto: 'TCP', type: 'UA', trail: HOSTILE, info: `${HOSTILE} (malware)`, reference: HOSTILE }),
  ]
  return { lines: [...lines.split('\n').filter((each) => each !== ''), ...more.map((each) => each.trimEnd())].sort().join('\n') + '\n', events: events + more.length, threats: 6 + noise }
}
