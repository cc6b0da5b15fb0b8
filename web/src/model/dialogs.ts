/** What is asked for while keys decide: one thing at a time. */

import { signal } from '@preact/signals'

export type Asking = 'status' | 'assignee' | 'tags' | 'note'

/** What is asked about which threats. */
export const asking = signal<{ readonly what: Asking; readonly threats: readonly string[] } | undefined>(undefined)

export const help = signal(false)
