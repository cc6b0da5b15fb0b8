/** What trails say: severity, confidence and texts, each combination held once, with what of its evidence follows from it. */

import type { Chunk } from '../chunk/read'
import { labelEvidence, type LabelEvidence } from './evidence'
import type { Texts } from './texts'

/** Texts are numbers. */
export interface Label {
  readonly severity: number
  readonly confidence: number
  readonly class: number
  readonly info: number
  readonly reference: number
}

/** A label as it is used: with the family its info names, and its evidence. */
export interface KnownLabel extends Label, LabelEvidence {
  /** Text: `asyncrat` of `AsyncRAT (malware)`. */
  readonly family: number
}

/** The family an info names. */
export function familyOf(info: string): string {
  return (info.split(' (')[0] ?? '').trim().toLowerCase()
}

export class Labels {
  readonly all: KnownLabel[] = []
  private readonly numbers = new Map<string, number>()

  constructor(private readonly texts: Texts) {}

  intern(label: Label): number {
    const { severity, confidence, class: kind, info, reference } = label
    const key = [severity, confidence, kind, info, reference].join()
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    const { texts } = this
    const evidence = labelEvidence({
      severity,
      confidence,
      class: texts.get(kind),
      reference: texts.get(reference),
    })
    const number = this.all.push({ ...label, ...evidence, family: texts.intern(familyOf(texts.get(info))) }) - 1
    this.numbers.set(key, number)
    return number
  }

  /** Numbers of a chunk's labels; `texts` are those of its strings. */
  ofChunk({ labels }: Chunk, texts: Uint32Array): Uint32Array {
    return Uint32Array.from(labels.severity, (severity, at) =>
      this.intern({
        severity,
        confidence: labels.confidence[at]!,
        class: texts[labels.class[at]!]!,
        info: texts[labels.info[at]!]!,
        reference: texts[labels.reference[at]!]!,
      }),
    )
  }

  /** Whether one stands where two were told: more severe, else surer, else the texts that come first, empty ones last. */
  prevails(one: number, other: number): boolean {
    const [a, b] = [this.all[one]!, this.all[other]!]
    const difference = a.severity - b.severity || a.confidence - b.confidence
    if (difference !== 0) return difference > 0
    const texts = (x: number, y: number): number => Number(x === 0) - Number(y === 0) || this.texts.compare(x, y)
    return (texts(a.class, b.class) || texts(a.info, b.info) || texts(a.reference, b.reference)) < 0
  }
}
