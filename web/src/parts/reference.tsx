/** Who says something, with a link to them. */

import type { JSX } from 'preact'

/** Only links that lead to the web are links. */
export function Reference({ reference, link }: { readonly reference: string; readonly link: string | null }): JSX.Element {
  if (link === null || !/^https?:\/\//.test(link)) return <span>{reference}</span>
  return (
    <a href={link} rel="noreferrer noopener" target="_blank">
      {reference} <span aria-hidden="true">↗</span>
      <span class="hidden"> (another site, in a new tab)</span>
    </a>
  )
}
