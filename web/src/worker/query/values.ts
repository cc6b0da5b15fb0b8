/** Values to offer while somebody types: what a field has, the most frequent first. */

import { formatAddress } from '../../model/address'
import { fold } from '../../search/terms'
import { MAX_VALUES, type ValueField } from '../messages'
import type { Threats } from '../table/threats'
import type { TriageRows } from '../table/triage'
import { textMask } from './textmask'

export interface Value {
  readonly value: string
  readonly threats: number
}

/** Values of a field that contain a text, with how many threats have them. */
export function values(threats: Threats, triage: TriageRows, field: ValueField, text: string): Value[] {
  const wanted = fold(text)
  switch (field) {
    case 'src':
      return sources(threats, wanted)
    case 'tag':
    case 'assignee':
      return decided(triage, field, wanted)
    default:
      return texts(threats, field, wanted)
  }
}

function best(found: Iterable<[value: string, threats: number]>): Value[] {
  const all = Array.from(found, ([value, threats]) => ({ value, threats }))
  return all.sort((a, b) => b.threats - a.threats || (a.value < b.value ? -1 : 1)).slice(0, MAX_VALUES)
}

/** The numbers with the greatest counts, those of several times as many as are offered. */
function greatest(counts: Uint32Array): number[] {
  const used: number[] = []
  for (let number = 0; number < counts.length; number++) if (counts[number]! > 0) used.push(number)
  return used.sort((a, b) => counts[b]! - counts[a]!).slice(0, MAX_VALUES)
}

function sources(threats: Threats, wanted: string): Value[] {
  const { addresses, hosts, host, rows } = threats
  const counts = new Uint32Array(addresses.limit)
  for (let row = 0; row < rows; row++) counts[hosts.first[host[row]!]!]!++
  if (wanted !== '') {
    for (let number = 0; number < counts.length; number++) {
      if (counts[number]! > 0 && !formatAddress(addresses.get(number)).includes(wanted)) counts[number] = 0
    }
  }
  return best(greatest(counts).map((number) => [formatAddress(addresses.get(number)), counts[number]!]))
}

function texts(threats: Threats, field: Exclude<ValueField, 'src' | 'tag' | 'assignee'>, wanted: string): Value[] {
  const counts = new Uint32Array(threats.texts.size)
  const { labels, label, subjects, subject, rows } = threats
  for (let row = 0; row < rows; row++) {
    switch (field) {
      case 'trail':
        counts[subjects.first[subject[row]!]!]!++
        break
      case 'info':
        counts[labels.all[label[row]!]!.info]!++
        break
      case 'family':
        counts[labels.all[label[row]!]!.family]!++
        break
      case 'sensor':
        for (const sensor of threats.set(row, 'sensors').values) counts[sensor]!++
        break
    }
  }
  // The empty text is no value.
  counts[0] = 0
  if (wanted !== '') {
    const has = textMask(threats.texts, [{ text: wanted, glob: false, whole: false }])
    for (let number = 0; number < counts.length; number++) if (has[number] === 0) counts[number] = 0
  }
  return best(greatest(counts).map((number) => [threats.texts.get(number), counts[number]!]))
}

function decided(triage: TriageRows, field: 'tag' | 'assignee', wanted: string): Value[] {
  const counts = new Map<string, number>()
  for (const known of triage.all()) {
    const found = field === 'tag' ? known.tags : [known.assignee]
    for (const value of found) {
      if (value !== '' && fold(value).includes(wanted)) counts.set(value, (counts.get(value) ?? 0) + 1)
    }
  }
  return best(counts)
}
