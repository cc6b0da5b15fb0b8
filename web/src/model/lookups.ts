/** Where else to look something up: plain addresses that nothing is sent to unless somebody follows them. */

import { outside, parseAddress } from './address'

export interface Lookup {
  readonly name: string
  readonly href: string
}

/** A host name, so that nothing else is sent away by a link. */
const NAME = /^(?=.{1,253}$)([a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}$/i
const HASH = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i

/** Where the value of a field can be looked up. Local addresses nowhere: nobody outside knows them. */
export function lookups(field: string, value: string): Lookup[] {
  // A port behind a name or an IPv4 address is left out.
  const host = value.split('/')[0]?.replace(/^([^:]*):\d+$/, '$1') ?? ''
  const q = encodeURIComponent
  const address = parseAddress(host)
  if (address !== undefined) {
    if (!outside(address)) return []
    return [
      { name: 'VirusTotal', href: `https://www.virustotal.com/gui/ip-address/${q(host)}` },
      { name: 'AbuseIPDB', href: `https://www.abuseipdb.com/check/${q(host)}` },
      { name: 'Shodan', href: `https://www.shodan.io/host/${q(host)}` },
      { name: 'GreyNoise', href: `https://viz.greynoise.io/ip/${q(host)}` },
      { name: 'RIPEstat', href: `https://stat.ripe.net/${q(host)}` },
    ]
  }
  if (field === 'trail' && HASH.test(value)) return [{ name: 'VirusTotal', href: `https://www.virustotal.com/gui/search/${q(value)}` }]
  if (field === 'trail' && NAME.test(host)) {
    return [
      { name: 'VirusTotal', href: `https://www.virustotal.com/gui/domain/${q(host)}` },
      { name: 'urlscan.io', href: `https://urlscan.io/search/#${q(host)}` },
      { name: 'AlienVault OTX', href: `https://otx.alienvault.com/indicator/domain/${q(host)}` },
      { name: 'crt.sh', href: `https://crt.sh/?q=${q(host)}` },
    ]
  }
  if (field === 'family') return [{ name: 'Malpedia', href: `https://malpedia.caad.fkie.fraunhofer.de/families?search=${q(value)}` }]
  return []
}
