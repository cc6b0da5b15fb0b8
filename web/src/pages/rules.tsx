/** Rules: what is known and harmless is kept out of the table. What a rule would hide is told while it is typed. */

import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import { call, problemOf } from '../model/api'
import { now } from '../model/clock'
import { complain, say, UNDO } from '../model/notices'
import { applied, conditionOf, counts, MAX_APPLIED, readRules, rules, type Rule } from '../model/rules'
import { session } from '../model/session'
import { go, openDays, route } from '../model/state'
import { Field, Form } from '../parts/form'
import { count, plural } from '../parts/format'
import { Mark } from '../parts/mark'
import { Ago, Moment } from '../parts/moment'
import { Sheet, type SheetColumn } from '../parts/sheet'
import { threatsOf } from '../parts/to'
import { useTried } from '../parts/tried'

export function Rules(): JSX.Element {
  const problem = useSignal('')
  const changing = useSignal<Rule | undefined>(undefined)
  const known = session.value
  const may = known.state === 'known' && known.account.role === 'administrator'
  useEffect(() => {
    readRules().catch((error: unknown) => (problem.value = problemOf(error)))
  }, [])
  const { subject } = route.value
  return (
    <article class="page">
      <h1>Rules</h1>
      <p class="soft">A rule is a search. What it finds is left out of the threats and the map, for everybody; its events are kept, pages of hosts show them, and hunts find them.</p>
      {problem.value !== '' && (
        <p class="wrong" role="alert">
          Rules cannot be read: {problem.value}
        </p>
      )}
      {may ? (
        <Edit key={`${changing.value?.id ?? 0} ${changing.value?.version ?? 0} ${subject}`} rule={changing.value} text={changing.value?.rule ?? subject} onDone={() => (changing.value = undefined)} />
      ) : (
        <p class="notice">Only administrators make rules.</p>
      )}
      <h2>
        Rules there are <span class="soft">{count(rules.value.length)}</span>
      </h2>
      {rules.value.length > MAX_APPLIED && <p class="notice">The oldest {MAX_APPLIED} rules that count are applied; more are not.</p>}
      <List may={may} onChange={(rule) => (changing.value = rule)} />
    </article>
  )
}

interface EditProps {
  /** The one that is changed; a new one without. */
  readonly rule: Rule | undefined
  readonly text: string
  readonly onDone: () => void
}

function Edit({ rule, text, onDone }: EditProps): JSX.Element {
  const typed = useSignal(text)
  const send = async (fields: ReadonlyMap<string, string>): Promise<void> => {
    const expires = fields.get('expires') ?? ''
    const body = {
      rule: (fields.get('rule') ?? '').trim(),
      comment: fields.get('comment') ?? '',
      enabled: rule?.enabled ?? true,
      expires: expires === '' ? null : `${expires}T00:00:00Z`,
      version: rule?.version ?? 0,
    }
    if (conditionOf(body) === undefined) throw new Error('this is no search that can be read')
    await (rule === undefined ? call('POST', 'api/v1/rules', body) : call('PUT', `api/v1/rules/${rule.id}`, body))
    await readRules()
    typed.value = ''
    onDone()
    if (route.peek().subject !== '') go({ subject: '' }, true)
  }
  return (
    <section aria-label={rule === undefined ? 'New rule' : 'Change of a rule'} class="panel">
      <Form action={rule === undefined ? 'Make this rule' : 'Change this rule'} send={send} class="fields">
        <label class="wide">
          <span>{rule === undefined ? 'Leave out what this search finds' : `Rule ${rule.id}: leave out what this search finds`}</span>
          <input
            name="rule"
            class="mono"
            required
            spellcheck={false}
            autocapitalize="off"
            placeholder="src:10.0.0.53 trail:updates.example"
            value={typed.value}
            onInput={(event) => (typed.value = event.currentTarget.value)}
          />
        </label>
        <Trial search={typed.value} />
        <Field name="comment" label="Why" optional value={rule?.comment ?? ''} placeholder="our own scanner" />
        <Field name="expires" label="Until (without: for good)" type="date" optional value={rule?.expires?.slice(0, 10) ?? ''} />
        {rule !== undefined && (
          <button type="button" onClick={onDone}>
            Leave it as it is
          </button>
        )}
      </Form>
    </section>
  )
}

/** The dry run. */
function Trial({ search }: { readonly search: string }): JSX.Element {
  const told = useTried(search)
  const on = openDays.value.length <= 1 ? (openDays.value[0] ?? 'the open day') : `${openDays.value.length} open days`
  return (
    <p class="trial" role="status">
      {search.trim() === '' ? (
        'What it would hide is told here.'
      ) : told === undefined ? (
        '…'
      ) : 'message' in told ? (
        <span class="wrong">
          Character {told.from + 1}: {told.message}
        </span>
      ) : (
        <>
          <Mark state={told.high > 0 || told.threats === told.of ? 'unsure' : 'well'}>
            It would hide <b>{count(told.threats)}</b> of {count(told.of)} threats of {on}, from {plural(told.hosts, 'host')}, with {plural(told.events, 'event')}
            {told.high > 0 && `; ${count(told.high)} of them are of high severity`}.
          </Mark>{' '}
          {told.threats > 0 && <a href={threatsOf(search)}>Look at them</a>}
        </>
      )}
    </p>
  )
}

function Hides({ rule }: { readonly rule: Rule }): JSX.Element {
  const told = useTried(rule.rule)
  return <>{told === undefined || 'message' in told ? '' : count(told.threats)}</>
}

function state(rule: Rule): JSX.Element {
  if (conditionOf(rule) === undefined) return <Mark state="ill">cannot be read</Mark>
  if (!rule.enabled) return <Mark state="off">off</Mark>
  if (!counts(rule, now.value)) return <Mark state="off">over</Mark>
  return applied.value.includes(rule) ? <Mark state="well">counts</Mark> : <Mark state="unsure">one too many</Mark>
}

async function write(rule: Rule, change: Partial<Pick<Rule, 'enabled'>>): Promise<void> {
  const { rule: text, comment, enabled, expires, version } = { ...rule, ...change }
  await call('PUT', `api/v1/rules/${rule.id}`, { rule: text, comment, enabled, expires, version })
  await readRules()
}

async function remove(rule: Rule): Promise<void> {
  const { rule: text, comment, enabled, expires } = rule
  await call('DELETE', `api/v1/rules/${rule.id}`)
  await readRules()
  say(`The rule ${text} is gone.`, [{ name: UNDO, act: () => tell(call('POST', 'api/v1/rules', { rule: text, comment, enabled, expires }).then(readRules)) }])
}

/** What goes wrong is said. */
function tell(work: Promise<void>): void {
  work.catch((error: unknown) => complain(problemOf(error)))
}

function List({ may, onChange }: { readonly may: boolean; readonly onChange: (rule: Rule) => void }): JSX.Element {
  const acts: SheetColumn<Rule> = {
    key: 'acts',
    title: 'Do',
    cell: (rule) => (
      <span class="acts">
        <button type="button" onClick={() => tell(write(rule, { enabled: !rule.enabled }))}>
          {rule.enabled ? 'Switch off' : 'Switch on'}
        </button>
        <button type="button" onClick={() => onChange(rule)}>
          Change
        </button>
        <button type="button" onClick={() => tell(remove(rule))}>
          Remove
        </button>
      </span>
    ),
  }
  const columns: SheetColumn<Rule>[] = [
    { key: 'state', title: 'State', cell: state },
    { key: 'rule', title: 'Rule', by: ({ rule }) => rule, cell: ({ rule }) => <a class="mono wrap" href={threatsOf(rule)}>{rule}</a> },
    { key: 'hides', title: 'Finds now', align: 'end', cell: (rule) => <Hides rule={rule} /> },
    { key: 'comment', title: 'Why', cell: ({ comment }) => <span class="wrap">{comment}</span> },
    { key: 'author', title: 'By', by: ({ author }) => author, cell: ({ author }) => author },
    { key: 'changed', title: 'Changed', by: ({ changed }) => changed, cell: ({ changed }) => <Ago at={changed} /> },
    { key: 'expires', title: 'Until', by: ({ expires }) => expires ?? '', cell: ({ expires }) => (expires === null ? 'for good' : <Moment at={expires} />) },
    ...(may ? [acts] : []),
  ]
  return <Sheet label="Rules" columns={columns} rows={rules.value} keyOf={({ id }) => id} empty="There are no rules: nothing is hidden." />
}
