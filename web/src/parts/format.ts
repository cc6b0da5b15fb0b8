/** Numbers and times as people read them. */

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** 12,345 */
export const count = (value: number): string => whole.format(value)

/** 1.2M */
export const compact = (value: number): string => short.format(value)

/** Writes instants (seconds) in a zone. */
export function clock(zone: string): { readonly time: (at: number) => string; readonly moment: (at: number) => string } {
  const options = { timeZone: zone, hourCycle: 'h23', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
  const time = new Intl.DateTimeFormat('en-GB', options)
  const moment = new Intl.DateTimeFormat('sv-SE', { ...options, year: 'numeric', month: '2-digit', day: '2-digit' })
  return { time: (at) => time.format(1000 * at), moment: (at) => moment.format(1000 * at) }
}

/** A time that passed, seconds, in its largest unit: `43 s`, `2 min`, `5 h`, `3 d`. */
export function lasted(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`
  if (seconds < 36 * 3600) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

/** Days as people read them: `Fri 20 Nov 2026`. */
const dayFormat = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' })
export const dayName = (day: string): string => {
  const at = Date.parse(`${day}T00:00:00Z`)
  return Number.isNaN(at) ? day : dayFormat.format(at).replace(',', '')
}

/** `1 threat`, `2 threats`. */
export const plural = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`
