/**
 * Texts as they were seen without the parentheses around what did not match: `(www).evil.example` is found by
 * `www.evil`. Each is made once, when something is looked for everywhere.
 */

import type { Pattern } from '../../search/terms'
import { Texts } from '../table/texts'
import type { Mask } from './filter'
import { textMask } from './textmask'

const [OPEN, CLOSE] = [0x28, 0x29]

export class Unmarked {
  private readonly plain = new Texts(0)
  /** Numbers of texts with marks, and of what they are without them. */
  private readonly marked: number[] = []
  private readonly numbers: number[] = []
  /** Texts that were looked at. */
  private done = 0

  constructor(private readonly texts: Texts) {}

  /** Marks in a mask of the texts those that have one of the patterns without their parentheses. */
  add(mask: Mask, patterns: readonly Pattern[]): void {
    this.take()
    const has = textMask(this.plain, patterns)
    for (let i = 0; i < this.marked.length; i++) if (has[this.numbers[i]!] === 1) mask[this.marked[i]!] = 1
  }

  /** Takes texts that came since. */
  private take(): void {
    const { bytes, ends, size } = this.texts
    let scratch = new Uint8Array(1024)
    let start = this.texts.start(this.done)
    for (let number = this.done; number < size; number++) {
      const end = ends[number]!
      if (scratch.length < end - start) scratch = new Uint8Array(2 * (end - start))
      let length = 0
      for (let at = start; at < end; at++) {
        const byte = bytes[at]!
        if (byte !== OPEN && byte !== CLOSE) scratch[length++] = byte
      }
      if (length < end - start) {
        this.marked.push(number)
        this.numbers.push(this.plain.internBytes(scratch, 0, length))
      }
      start = end
    }
    this.done = size
  }
}
