/** Which of the texts of a table have a pattern: asked once for each text, not for each row. */

import { atOrBelow, fold, matches, type Pattern } from '../../search/terms'
import type { Texts } from '../table/texts'

const encoder = new TextEncoder()

/** ASCII letters as small ones. */
const FOLDED = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 65 && byte <= 90 ? byte + 32 : byte))

/** 1 for every text that has one of the patterns. */
export function textMask(texts: Texts, patterns: readonly Pattern[]): Uint8Array {
  const mask = new Uint8Array(texts.size)
  for (const pattern of patterns) {
    if (!pattern.glob && !pattern.whole) {
      within(texts, mask, pattern.text)
      continue
    }
    // Only texts with the longest piece can match; few are left to be compared as characters.
    const pieces = pattern.glob ? pattern.text.split('*') : [pattern.text]
    const piece = pieces.reduce((best, next) => (next.length > best.length ? next : best), '')
    const candidates = new Uint8Array(texts.size)
    if (piece === '') candidates.fill(1)
    else within(texts, candidates, piece)
    for (let number = 0; number < texts.size; number++) {
      if (candidates[number] === 1 && mask[number] === 0 && matches(pattern, fold(texts.get(number)))) mask[number] = 1
    }
  }
  return mask
}

/** 1 for every text that is one of the names or lies below one. */
export function nameMask(texts: Texts, names: readonly string[]): Uint8Array {
  const mask = new Uint8Array(texts.size)
  for (const name of names) {
    const bytes = encoder.encode(name)
    endingWith(texts, bytes, (number, exact) => {
      if (exact || texts.bytes[texts.ends[number]! - bytes.length - 1] === 0x2e) mask[number] = 1
    })
    for (const number of texts.foreign) if (atOrBelow(fold(texts.get(number)), name)) mask[number] = 1
  }
  return mask
}

/** Texts that end with bytes that are folded already; `exact`: they are nothing else. */
function endingWith(texts: Texts, needle: Uint8Array, found: (number: number, exact: boolean) => void): void {
  const { bytes, ends } = texts
  let start = 0
  for (let number = 0; number < texts.size; number++) {
    const end = ends[number]!
    let at = end - needle.length
    if (at >= start) {
      let i = 0
      while (i < needle.length && FOLDED[bytes[at]!] === needle[i]) {
        at++
        i++
      }
      if (i === needle.length) found(number, end - needle.length === start)
    }
    start = end
  }
}

/** Texts that contain a folded one: one walk over all bytes, by leaps (Horspool). */
function within(texts: Texts, mask: Uint8Array, text: string): void {
  const needle = encoder.encode(text)
  const { bytes, ends } = texts
  const length = needle.length
  const total = texts.size === 0 ? 0 : ends[texts.size - 1]!
  const leaps = new Uint32Array(256).fill(length)
  for (let i = 0; i < length - 1; i++) leaps[needle[i]!] = length - 1 - i
  const last = needle[length - 1]!
  let number = 0
  let end = length - 1
  while (end < total) {
    const byte = FOLDED[bytes[end]!]!
    if (byte === last) {
      let i = length - 2
      let at = end - 1
      while (i >= 0 && FOLDED[bytes[at]!] === needle[i]) {
        i--
        at--
      }
      if (i < 0) {
        while (ends[number]! <= end) number++
        // It must not reach over the border of two texts.
        if (texts.start(number) <= end - length + 1) mask[number] = 1
      }
    }
    end += leaps[byte]!
  }
  for (const foreign of texts.foreign) {
    if (fold(texts.get(foreign)).includes(text)) mask[foreign] = 1
  }
}
