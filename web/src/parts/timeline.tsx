/**
 * Events of every hour, stacked by severity; part of it can be chosen by drawing over it, or by keys: arrows move, with
 * Shift they widen, Escape lets go. Bars are drawn as one path for each severity, however many hours there are.
 */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Bin, Query } from '../model/threat'
import { count } from './format'

export interface Mark {
  /** Seconds. */
  readonly at: number
  readonly text: string
}

export interface TimelineProps {
  readonly bins: readonly Bin[]
  readonly range: Query['range']
  readonly onRange: (range: Query['range']) => void
  /** An instant in words, for what is pointed at. */
  readonly moment: (at: number) => string
  /** What stands below the first bar of a day, or an hour. */
  readonly tick: (at: number) => string
  readonly marks?: readonly Mark[]
}

const HOUR = 3600
const HEIGHT = 48
/** Pixels between two labels at least. */
const LABEL = 72

export function Timeline({ bins, range, onRange, moment, tick, marks = [] }: TimelineProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null)
  const width = useSignal(800)
  const drawn = useSignal<{ readonly from: number; readonly to: number } | undefined>(undefined)
  const pointed = useSignal<number | undefined>(undefined)
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const observer = new ResizeObserver(() => {
      width.value = Math.max(1, element.clientWidth)
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const n = Math.max(1, bins.length)
  const step = width.value / n
  const most = Math.max(1, ...bins.map(({ low, medium, high }) => low + medium + high))
  const place = (x: number): number => Math.min(n - 1, Math.max(0, Math.floor(x / step)))
  const within = (event: PointerEvent): number => place(event.clientX - (box.current?.getBoundingClientRect().left ?? 0))
  const chosen = drawn.value ?? placesOf(bins, range)
  const choose = (from: number, to: number): void => {
    const [first, last] = [bins[Math.min(from, to)], bins[Math.max(from, to)]]
    if (first !== undefined && last !== undefined) onRange({ from: first.at, to: last.at + HOUR })
  }
  const keys = (event: KeyboardEvent): void => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (event.key === 'Escape' && range !== undefined) onRange(undefined)
    else if (move === undefined) return
    else {
      const { from, to } = chosen ?? (move > 0 ? { from: -1, to: -1 } : { from: n, to: n })
      const next = Math.min(n - 1, Math.max(0, to + move))
      if (event.shiftKey && chosen !== undefined) choose(from, next)
      else choose(next, next)
    }
    event.preventDefault()
    event.stopPropagation()
  }
  const bin = pointed.value === undefined ? undefined : bins[pointed.value]
  const said = chosen === undefined ? 'the whole time' : `${moment(bins[Math.min(chosen.from, chosen.to)]?.at ?? 0)} and on, ${Math.abs(chosen.to - chosen.from) + 1} h`
  return (
    <div
      class="timeline"
      ref={box}
      role="slider"
      aria-label="Time that is shown"
      aria-valuemin={0}
      aria-valuemax={n - 1}
      aria-valuenow={chosen?.to ?? 0}
      aria-valuetext={said}
      tabIndex={0}
      onKeyDown={keys}
      onPointerDown={(event) => {
        if (event.button !== 0) return
        const at = within(event)
        drawn.value = { from: at, to: at }
        event.currentTarget.setPointerCapture(event.pointerId)
      }}
      onPointerMove={(event) => {
        const at = within(event)
        pointed.value = at
        const now = drawn.peek()
        if (now !== undefined && now.to !== at) drawn.value = { ...now, to: at }
      }}
      onPointerLeave={() => {
        pointed.value = undefined
      }}
      onPointerUp={() => {
        const now = drawn.peek()
        drawn.value = undefined
        if (now === undefined) return
        const single = now.from === now.to
        const chosenBefore = placesOf(bins, range)
        // The same hour again: everything.
        if (single && chosenBefore?.from === now.from && chosenBefore.to === now.to) onRange(undefined)
        else choose(now.from, now.to)
      }}
      onPointerCancel={() => {
        drawn.value = undefined
      }}
      onDblClick={() => onRange(undefined)}
    >
      <svg viewBox={`0 0 ${width.value} ${HEIGHT}`} height={HEIGHT} preserveAspectRatio="none" aria-hidden="true">
        {chosen !== undefined && (
          <rect class="chosen" x={step * Math.min(chosen.from, chosen.to)} width={step * (Math.abs(chosen.to - chosen.from) + 1)} y="0" height={HEIGHT} />
        )}
        <path class="base" d={`M0 ${HEIGHT - 0.5}H${width.value}`} />
        {(['high', 'medium', 'low'] as const).map((severity) => (
          <path key={severity} class={severity} d={bars(bins, severity, { step, most })} />
        ))}
        {marks.map(({ at, text }) => (
          <path key={`${at}${text}`} class="mark" d={`M${xOf(bins, at) * step} 0v${HEIGHT}`}>
            <title>{text}</title>
          </path>
        ))}
        {pointed.value !== undefined && <rect class="pointed" x={step * pointed.value} width={step} y="0" height={HEIGHT} />}
      </svg>
      <Ticks bins={bins} width={width.value} tick={tick} />
      {bin !== undefined && (
        <p class={(pointed.value ?? 0) > n / 2 ? 'told left' : 'told'} aria-hidden="true">
          <b>{moment(bin.at)}</b> {count(bin.high)} high, {count(bin.medium)} medium, {count(bin.low)} low
        </p>
      )}
    </div>
  )
}

/** Places of the hours that a range touches. */
function placesOf(bins: readonly Bin[], range: Query['range']): { readonly from: number; readonly to: number } | undefined {
  if (range === undefined) return undefined
  const from = bins.findIndex(({ at }) => at + HOUR > range.from)
  const to = bins.findLastIndex(({ at }) => at < range.to)
  return from < 0 || to < from ? undefined : { from, to }
}

function xOf(bins: readonly Bin[], at: number): number {
  const after = bins.findIndex((bin) => bin.at > at)
  return after < 0 ? bins.length : after
}

/** Bars of one severity, standing on those that are worse. Few events are still seen: heights are roots. */
function bars(bins: readonly Bin[], severity: 'low' | 'medium' | 'high', { step, most }: { readonly step: number; readonly most: number }): string {
  const gap = step > 6 ? 1 : 0
  const room = HEIGHT - 4
  return bins
    .map((bin, at) => {
      if (bin[severity] === 0) return ''
      const all = bin.low + bin.medium + bin.high
      const whole = Math.max(2, Math.sqrt(all / most) * room)
      const under = severity === 'high' ? 0 : severity === 'medium' ? bin.high : bin.high + bin.medium
      const y = HEIGHT - (under / all) * whole
      const height = Math.max(0.75, (bin[severity] / all) * whole)
      return `M${(step * at).toFixed(2)} ${y.toFixed(2)}h${Math.max(0.5, step - gap).toFixed(2)}v${(-height).toFixed(2)}h${(-Math.max(0.5, step - gap)).toFixed(2)}z`
    })
    .join('')
}

function Ticks({ bins, width, tick }: { readonly bins: readonly Bin[]; readonly width: number; readonly tick: (at: number) => string }): JSX.Element {
  const n = Math.max(1, bins.length)
  const every = [1, 2, 3, 6, 12, 24, 48, 168].find((hours) => (hours * width) / n >= LABEL) ?? 720
  return (
    <div class="ticks" aria-hidden="true">
      {bins.map((bin, at) =>
        at % every === 0 && (n - at) * (width / n) > LABEL / 2 ? (
          <span key={bin.at} style={{ left: `${(100 * at) / n}%` }}>
            {tick(bin.at)}
          </span>
        ) : null,
      )}
    </div>
  )
}
