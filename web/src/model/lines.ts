/** Text that comes in pieces, as lines. Pure. */

/** Longest line that is put together, characters; one that is longer is a fault of who writes it. */
export const MAX_LINE = 1 << 20

export class Lines {
  private rest = ''

  /** Lines that are complete with this piece. */
  push(piece: string): string[] {
    const lines = (this.rest + piece).split('\n')
    this.rest = lines.pop() ?? ''
    if (this.rest.length > MAX_LINE) throw new Error(`a line of more than ${MAX_LINE} characters came`)
    return lines.filter((line) => line !== '')
  }

  /** What came after the last end of a line. */
  get left(): string {
    return this.rest
  }
}
