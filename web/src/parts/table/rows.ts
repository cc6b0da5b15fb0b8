/** Rows near what is seen, fetched in blocks. What was there stays until what replaces it has come: nothing flickers. */

import { signal } from '@preact/signals'

export const BLOCK_ROWS = 100
/** Blocks that are kept; those that were seen longest ago go first. */
const MAX_BLOCKS = 20

export type Load<T> = (from: number, to: number) => Promise<readonly T[]>

interface Block<T> {
  readonly rows: readonly T[]
  readonly version: number
}

export class Rows<T> {
  /** Rises when rows have come. */
  readonly came = signal(0)
  private readonly blocks = new Map<number, Block<T>>()
  /** Blocks that are on their way, with the version they were asked for. */
  private readonly asked = new Map<number, number>()
  private version = 0

  constructor(private readonly load: Load<T>) {}

  /** Everything may have changed. */
  renew(version: number): void {
    this.version = version
  }

  at(index: number): T | undefined {
    return this.blocks.get(Math.floor(index / BLOCK_ROWS))?.rows[index % BLOCK_ROWS]
  }

  /** Rows from..to are seen: fetches what is missing or old. */
  see(from: number, to: number): void {
    for (let block = Math.floor(from / BLOCK_ROWS); block * BLOCK_ROWS < to; block++) {
      const known = this.blocks.get(block)
      if (known !== undefined) {
        this.blocks.delete(block)
        this.blocks.set(block, known)
      }
      if (known?.version !== this.version && this.asked.get(block) !== this.version) void this.fetch(block)
    }
  }

  private async fetch(block: number): Promise<void> {
    const { version } = this
    this.asked.set(block, version)
    const rows = await this.load(block * BLOCK_ROWS, (block + 1) * BLOCK_ROWS)
    if (this.asked.get(block) === version) this.asked.delete(block)
    // An answer to an older question must not take the place of a newer one.
    if ((this.blocks.get(block)?.version ?? -1) > version) return
    this.blocks.set(block, { rows, version })
    for (const oldest of this.blocks.keys()) {
      if (this.blocks.size <= MAX_BLOCKS) break
      this.blocks.delete(oldest)
    }
    this.came.value++
  }
}
