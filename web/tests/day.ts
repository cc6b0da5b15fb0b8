/** A day of events as text lines, made up: what is worth a look among what is not. */

const line = (at: string, parts: { sensor?: string; src: string; dst: string; port?: number; proto?: string; type?: string; trail: string; info: string; reference?: string }): string => {
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
