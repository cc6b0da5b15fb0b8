/** The search: what may come next is offered while somebody writes, what is wrong is shown where it is. */

import { computed, useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { ask, route, worker, wrong } from '../model/state'
import { askedAt, fieldsLike, fixedValues, type Asked } from '../search/complete'
import { write } from '../search/edit'
import type { Field } from '../search/fields'
import { VALUE_FIELDS, type ValueField } from '../worker/messages'
import { count } from './format'

/** Something to choose. */
interface Offer {
  readonly text: string
  readonly about: string
  /** What it puts in the place of the word. */
  readonly put: string
  /** It is a field: its value comes next. */
  readonly goesOn: boolean
}

const MAX_OFFERS = 12
/** Milliseconds without a key before what was written is remembered as a step to go back to. */
const PAUSE = 800

const search = computed(() => route.value.query.search)

export function Search(): JSX.Element {
  const input = useRef<HTMLInputElement>(null)
  const offers = useSignal<readonly Offer[]>([])
  const active = useSignal(-1)
  const asked = useSignal<Asked | undefined>(undefined)
  const wroteAt = useRef(-Infinity)
  const text = search.value
  // What is not in the table of days is offered for as long as it is asked for.
  const offer = async (): Promise<void> => {
    const element = input.current
    if (element === null) return
    const at = askedAt(element.value, element.selectionStart ?? element.value.length)
    asked.value = at
    const found = await offersFor(at)
    if (asked.peek() === at && document.activeElement === element) {
      offers.value = found
      active.value = -1
    }
  }
  const close = (): void => {
    asked.value = undefined
    offers.value = []
    active.value = -1
  }
  const set = (next: string): void => {
    const now = performance.now()
    // A pause makes a step to go back to; within one word there is none.
    ask({ search: next }, now - wroteAt.current < PAUSE)
    wroteAt.current = now
  }
  const choose = (chosen: Offer): void => {
    const element = input.current
    const at = asked.peek()
    if (element === null || at === undefined) return
    const { value } = element
    const tail = value.slice(at.to)
    const put = chosen.put + (chosen.goesOn || tail.startsWith(' ') || tail.startsWith(')') ? '' : ' ')
    const next = value.slice(0, at.from) + put + tail
    element.value = next
    element.setSelectionRange(at.from + put.length, at.from + put.length)
    set(next)
    void offer()
  }
  const keys = (event: KeyboardEvent): void => {
    const { length } = offers.peek()
    const chosen = offers.peek()[active.peek()]
    if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && length > 0) {
      active.value = (active.peek() + (event.key === 'ArrowDown' ? 1 : length + (active.peek() < 0 ? 0 : -1))) % length
    } else if ((event.key === 'Enter' || event.key === 'Tab') && chosen !== undefined) choose(chosen)
    else if (event.key === 'Enter') {
      close()
      document.querySelector<HTMLElement>('[role=grid]')?.focus()
    } else if (event.key === 'Escape' && length > 0) close()
    else if (event.key === 'Escape') input.current?.blur()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
  // Typed or come by the address: what stands in the field is what is shown, without moving the cursor of who writes.
  useEffect(() => {
    if (input.current !== null && input.current.value !== text) input.current.value = text
  }, [text])
  const open = offers.value.length > 0
  // A word that is being written is not wrong yet.
  const writing = open && wrong.value !== undefined && wrong.value.to >= (asked.value?.from ?? 0)
  const problem = writing ? undefined : wrong.value
  return (
    <div class="search" role="search">
      <input
        ref={input}
        type="search"
        role="combobox"
        aria-label="Search threats"
        aria-expanded={open}
        aria-controls="search-offers"
        list={undefined}
        aria-autocomplete="list"
        aria-activedescendant={active.value >= 0 ? `offer-${active.value}` : undefined}
        aria-invalid={problem !== undefined}
        aria-describedby="search-problem"
        placeholder="src:10.0.0.0/8 sev:high -tag:known"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        onInput={(event) => {
          set(event.currentTarget.value)
          void offer()
        }}
        onFocus={() => void offer()}
        onClick={() => void offer()}
        onBlur={close}
        onKeyDown={keys}
      />
      <kbd class="search-key" aria-hidden="true">
        /
      </kbd>
      <div class={open || problem !== undefined ? 'search-below' : 'search-below hidden'}>
        <p id="search-problem" class="wrong" role="status">
          {problem === undefined ? '' : `Character ${problem.from + 1}: ${problem.message}`}
        </p>
        {problem !== undefined && <Marked text={text} from={problem.from} to={problem.to} />}
        <ul id="search-offers" role="listbox" aria-label="What may come next">
          {offers.value.map(({ text: name, about }, at) => (
            <li
              key={name}
              id={`offer-${at}`}
              role="option"
              aria-selected={at === active.value}
              onPointerDown={(event) => {
                // The field keeps the focus.
                event.preventDefault()
                const chosen = offers.peek()[at]
                if (chosen !== undefined) choose(chosen)
              }}
            >
              <span class="mono">{name}</span> <span class="soft">{about}</span>
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}

/** The search with what is wrong marked. */
function Marked({ text, from, to }: { readonly text: string; readonly from: number; readonly to: number }): JSX.Element {
  return (
    <p class="marked mono" aria-hidden="true">
      {text.slice(0, from)}
      <mark>{text.slice(from, to) || ' '}</mark>
      {text.slice(to)}
    </p>
  )
}

async function offersFor({ field, text }: Asked): Promise<readonly Offer[]> {
  if (field === undefined) {
    return fieldsLike(text)
      .slice(0, text === '' ? undefined : MAX_OFFERS)
      .map(({ name, about }) => ({ text: `${name}:`, about, put: `${name}:`, goesOn: true }))
  }
  const fixed = fixedValues(field, text)
  if (fixed !== undefined) return fixed.slice(0, MAX_OFFERS).map((value) => ({ text: value, about: '', put: value, goesOn: false }))
  const known = VALUE_FIELDS.find((name): name is ValueField => name === field)
  if (known === undefined) return []
  const values = await worker().values(known, text)
  return values.slice(0, MAX_OFFERS).map(({ value, threats }) => ({ text: value, about: count(threats), put: valueOf(field, value), goesOn: false }))
}

/** The value as it is written behind its field. */
const valueOf = (field: Field, value: string): string => write({ field, value }).slice(field.length + 1)

