/** What people decided, by row. Few threats are decided about, so it is a map. */

import type { Triage } from '../../model/threat'
import type { Status } from '../../model/vocabulary'
import type { Ids } from './ids'

export class TriageRows {
  /** By id: also of threats that are not in the open days. */
  private readonly byId = new Map<string, Triage>()
  private byRow = new Map<number, Triage>()
  /** Generation of the table that `byRow` is of. */
  private seen = -1

  constructor(
    readonly ids: Ids,
    private readonly generation: () => number,
  ) {}

  /** Takes what was read or changed; older versions are passed over. Gives whether something is new. */
  take(changed: readonly Triage[]): boolean {
    let news = false
    for (const triage of changed) {
      const known = this.byId.get(triage.threat)
      if (known !== undefined && (known.version > triage.version || JSON.stringify(known) === JSON.stringify(triage))) continue
      this.byId.set(triage.threat, triage)
      news = true
    }
    if (news) this.seen = -1
    return news
  }

  /** What there is to be taken over to another table. */
  all(): Triage[] {
    return [...this.byId.values()]
  }

  get(id: string): Triage | undefined {
    return this.byId.get(id)
  }

  /** Rows that were decided about and are like that. */
  rowsWhere(is: (triage: Triage) => boolean): number[] {
    const found: number[] = []
    for (const [row, triage] of this.rows()) if (is(triage)) found.push(row)
    return found
  }

  /** Status of rows that were decided about. */
  statuses(): Map<number, Status> {
    return new Map([...this.rows()].map(([row, triage]) => [row, triage.status]))
  }

  private rows(): Map<number, Triage> {
    if (this.byId.size > 0 && this.seen !== this.generation()) {
      const rows = this.ids.rowsOf(this.byId.keys())
      this.byRow = new Map([...rows].map(([id, row]) => [row, this.byId.get(id)!]))
      this.seen = this.generation()
    }
    return this.byRow
  }
}
