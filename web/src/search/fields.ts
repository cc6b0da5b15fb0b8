/** What a prefix says a value is of. One table: the lexer, completion and the help sheet read it. */

export const FIELDS = [
  { name: 'src', about: 'source: address, network or range', example: 'src:10.0.0.0/8' },
  { name: 'dst', about: 'destination: address, network or range', example: 'dst:192.0.2.5-192.0.2.9' },
  { name: 'port', about: 'destination port', example: 'port:1-1024' },
  { name: 'proto', about: 'protocol, by name or number', example: 'proto:udp' },
  { name: 'type', about: 'what took part', example: 'type:DNS,URL' },
  { name: 'trail', about: 'indicator, or a name below it', example: 'trail:evil.example' },
  { name: 'info', about: 'text in what the trail says', example: 'info:asyncrat' },
  { name: 'family', about: 'family, whole', example: 'family:asyncrat' },
  { name: 'tag', about: 'tag', example: 'tag:known' },
  { name: 'note', about: 'whether there are notes', example: 'note:>0' },
  { name: 'assignee', about: 'who looks at it', example: 'assignee:anna' },
  { name: 'status', about: 'where it stands', example: 'status:open' },
  { name: 'sensor', about: 'text in the name of a sensor', example: 'sensor:gw-hq' },
  { name: 'sev', about: 'severity', example: 'sev:medium+' },
  { name: 'dir', about: 'direction', example: 'dir:outbound' },
  { name: 'count', about: 'events', example: 'count:>100' },
  { name: 'score', about: 'evidence, 0 to 100', example: 'score:>=80' },
  { name: 'threat', about: 'id of a threat', example: 'threat:0123456789abcdef' },
] as const

export type Field = (typeof FIELDS)[number]['name']

/** The field a text begins with, and how long its prefix is. */
export function fieldBefore(text: string): { field: Field; length: number } | undefined {
  const colon = text.indexOf(':')
  const name = colon > 0 ? text.slice(0, colon).toLowerCase() : ''
  const field = FIELDS.find((known) => known.name === name)?.name
  return field === undefined ? undefined : { field, length: colon + 1 }
}
