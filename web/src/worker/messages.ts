/** What the page and its worker tell each other. Everything is plain data. */

import type { Group, LiveState, Places, Progress, Query, Related, Summary, Threat, Triage, Tried } from '../model/threat'

/** To the worker. `id` is given back with the answer. */
export type Request =
  /** First of all: where the server's paths begin. */
  | { readonly type: 'start'; readonly base: string }
  /** Opens days, `2026-11-20`, and lets go of others. Progress follows. */
  | { readonly type: 'open'; readonly days: readonly string[] }
  /** What is to be shown from now on. One that comes before the answer of another is there takes its place. */
  | { readonly type: 'query'; readonly id: number; readonly query: Query }
  /** Rows from..to of the last query that was answered. */
  | { readonly type: 'page'; readonly id: number; readonly from: number; readonly to: number }
  /** One threat, whether the query finds it or not. */
  | { readonly type: 'threat'; readonly id: number; readonly threat: string }
  /** Ids of rows from..to of the last query: for changes of many. */
  | { readonly type: 'ids'; readonly id: number; readonly from: number; readonly to: number }
  /** What has something in common with a threat. */
  | { readonly type: 'related'; readonly id: number; readonly threat: string }
  /** What is decided about threats; those nobody decided about are left out. */
  | { readonly type: 'decided'; readonly id: number; readonly threats: readonly string[] }
  /** Everything that the last query finds, as a file; ends at once if another query overtakes it. */
  | { readonly type: 'export'; readonly id: number; readonly format: Format }
  /** Values that a field has, most frequent first, that contain a text. */
  | { readonly type: 'values'; readonly id: number; readonly field: ValueField; readonly text: string }
  /** Addresses of what the last query finds, to be placed on a map. */
  | { readonly type: 'places'; readonly id: number }
  /** What a search would find, without showing it. */
  | { readonly type: 'try'; readonly id: number; readonly search: string }
  /** Triage that was changed or read. */
  | { readonly type: 'triage'; readonly changed: readonly Triage[] }

export const VALUE_FIELDS = ['src', 'trail', 'info', 'family', 'sensor', 'tag', 'assignee'] as const
export type ValueField = (typeof VALUE_FIELDS)[number]

export const FORMATS = ['csv', 'json', 'defanged'] as const
export type Format = (typeof FORMATS)[number]

/** From the worker. */
export type Answer =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'live'; readonly state: LiveState }
  /** Days that the server has may have changed: midnight, or events of days that are not open. */
  | { readonly type: 'days' }
  /** The session has ended. */
  | { readonly type: 'denied' }
  /** Rows came or changed: the last query was answered again. `id` is that of the query. */
  | { readonly type: 'result'; readonly id: number; readonly summary: Summary }
  | { readonly type: 'page'; readonly id: number; readonly from: number; readonly rows: readonly Threat[] | readonly Group[] }
  | { readonly type: 'threat'; readonly id: number; readonly threat: Threat | undefined }
  | { readonly type: 'ids'; readonly id: number; readonly ids: readonly string[] }
  | { readonly type: 'related'; readonly id: number; readonly related: Related | undefined }
  | { readonly type: 'decided'; readonly id: number; readonly decided: readonly Triage[] }
  /** Undefined: the rows changed meanwhile. */
  | { readonly type: 'export'; readonly id: number; readonly file: Blob | undefined }
  | { readonly type: 'values'; readonly id: number; readonly values: readonly { readonly value: string; readonly threats: number }[] }
  | { readonly type: 'places'; readonly id: number; readonly places: Places }
  | { readonly type: 'try'; readonly id: number; readonly tried: Tried }
  /** The search cannot be read; characters from..to are wrong. */
  | { readonly type: 'wrong'; readonly id: number; readonly problem: string; readonly from: number; readonly to: number }

/** Most rows of one page. */
export const MAX_PAGE = 500
/** Most ids that are given at once. */
export const MAX_IDS = 100_000
/** Most values that are offered. */
export const MAX_VALUES = 50
