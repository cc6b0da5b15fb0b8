/** Whether anything is seen at all: sensors that were heard of, trails in use. Read while somebody looks. */

import { signal } from '@preact/signals'
import { get, problemOf } from './api'

export interface Sensor {
  readonly site: string
  readonly sensor: string
  readonly last: string
  readonly events: number
}

export interface TrailsState {
  readonly indicators: number
  /** Seconds, Unix time. */
  readonly built_at: number
  readonly generation: number
}

export interface Sight {
  readonly sensors: readonly Sensor[]
  readonly trails: TrailsState | null
  readonly problems: readonly string[]
}

export const sight = signal<Sight | undefined>(undefined)
/** Why the server was not reached. */
export const offline = signal<string | undefined>(undefined)

export async function readSight(): Promise<void> {
  try {
    const [{ sensors }, { trails, problems }] = await Promise.all([
      get<{ sensors: Sensor[] }>('api/v1/sensors'),
      get<{ trails: TrailsState | null; problems: string[] }>('api/v1/health'),
    ])
    sight.value = { sensors, trails, problems }
    offline.value = undefined
  } catch (error) {
    offline.value = problemOf(error)
  }
}
