/** Words of the threats page. */

import type { NoiseClass } from '../../model/threat'
import type { Status } from '../../model/vocabulary'

export const NOISE_WORDS: Readonly<Record<NoiseClass, string>> = {
  scanner: 'Mass scanners',
  attacker: 'Known attackers',
  reputation: 'Bad reputation',
  anonymizer: 'Tor and proxies',
  scan: 'Port scans',
  other: 'Others',
}

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  open: 'Open',
  investigating: 'Investigating',
  resolved: 'Resolved',
  ignored: 'Ignored',
  false: 'False alarm',
}
