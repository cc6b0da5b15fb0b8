/** Countries by their two letters. */

import type { JSX } from 'preact'

const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'code' })

/** The name of a country; its code where it is none. */
export function countryName(code: string): string {
  return /^[A-Z]{2}$/.test(code) ? (names.of(code) ?? code) : code
}

export function Country({ code }: { readonly code: string }): JSX.Element {
  return (
    <span class="country">
      <span class="code" aria-hidden="true">
        {code}
      </span>{' '}
      {countryName(code)}
    </span>
  )
}
