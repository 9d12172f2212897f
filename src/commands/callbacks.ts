/** `headgate callbacks`: what waits, dead letters, sending them again, and a test. */
import { originOf } from '../callbacks/target-names.ts'
import { parseTarget } from '../config/callbacks.ts'
import { readCallbackConfig, readDatabaseConfig } from '../config/node-config.ts'
import { RFC3339_RULE, parseRfc3339 } from '../shared/rfc3339.ts'
import { escapeControls } from '../shared/terminal-controls.ts'
import { listCallbacksSql, replayCallbacksSql } from '../store/d1/callback-sql.ts'
import type { ListedDelivery, ReplayFilter } from '../uploads/ports/callback-store.ts'
import { withStore } from './open-store.ts'
import { readConfigOrReport } from './read-config.ts'
import { sendTestCallback } from './send-test-callback.ts'

/** Lines that `list` prints at most. */
const MAX_LISTED = 1000
/** Deliveries that are replayed in one transaction. */
const REPLAYED_AT_ONCE = 1000
/** Characters of a response that `test` prints at most. */
const MAX_SHOWN_CHARACTERS = 500

/** Prints the SQL of `list` for the database of a gateway on Workers. */
export function printListSql(isDead: boolean): number {
  process.stdout.write(`${listCallbacksSql(isDead ? 'dead' : 'waiting', MAX_LISTED)}\n`)
  return 0
}

/** Prints one line for each callback that waits, the oldest first; or each dead letter, the newest first. */
export async function listCallbacks(isDead: boolean): Promise<number> {
  const database = readConfigOrReport(readDatabaseConfig)
  if (database === null) return 1
  const deliveries = await withStore(database, ({ callbacks }) =>
    callbacks.listDeliveries(isDead ? 'dead' : 'waiting', MAX_LISTED),
  )
  for (const delivery of deliveries) process.stdout.write(`${describe(delivery)}\n`)
  if (deliveries.length === 0) {
    process.stdout.write(isDead ? 'No dead letter.\n' : 'No callback waits.\n')
  }
  if (deliveries.length === MAX_LISTED) {
    process.stdout.write(`Only ${MAX_LISTED} callbacks are listed.\n`)
  }
  return 0
}

function describe({ event, target, attempts, dueAt, doneAt, ...last }: ListedDelivery): string {
  const fields = [
    event.id,
    event.type.padEnd(15),
    event.at.toISOString(),
    originOf(target),
    `attempts ${attempts}`,
    doneAt === null ? schedule(dueAt) : `dead since ${doneAt.toISOString()}`,
    last.lastError ?? '',
  ]
  return escapeControls(fields.filter((field) => field !== '').join('  '))
}

function schedule(dueAt: Date | null): string {
  return dueAt === null ? 'after an earlier one of its upload' : `next ${dueAt.toISOString()}`
}

/** What `replay` sends again; exactly one of these is given. */
export interface ReplayOptions {
  /** The `webhook-id`. */
  readonly id?: string | undefined
  readonly dead?: boolean | undefined
  /** RFC 3339. */
  readonly since?: string | undefined
  readonly sql?: boolean | undefined
}

/** Makes callbacks wait again; the gateways send them. With `sql`, prints the SQL for a gateway on Workers instead. */
export async function replayCallbacks(options: ReplayOptions): Promise<number> {
  const filter = replayFilter(options)
  if (typeof filter === 'string') {
    process.stderr.write(`headgate: ${filter}\n`)
    return 1
  }
  if (options.sql === true) {
    process.stdout.write(`${replayCallbacksSql(filter, new Date(), REPLAYED_AT_ONCE)}\n`)
    return 0
  }
  const database = readConfigOrReport(readDatabaseConfig)
  if (database === null) return 1
  const count = await withStore(database, async ({ callbacks }) => {
    const now = new Date()
    let total = 0
    for (;;) {
      const replayed = await callbacks.replayDeliveries(filter, now, REPLAYED_AT_ONCE)
      total += replayed
      if (replayed < REPLAYED_AT_ONCE) return total
    }
  })
  if (count === 0 && filter.kind === 'event') {
    process.stderr.write(
      'headgate: no delivered callback or dead letter has this id. `headgate callbacks list --dead` shows dead letters; delivered callbacks are kept for a day.\n',
    )
    return 1
  }
  const what = count === 1 ? 'callback is' : 'callbacks are'
  process.stdout.write(`${count} ${what} sent again, with the same ids, by the running gateway.\n`)
  return 0
}

/** Returns the filter, or the error as a sentence. */
function replayFilter({ id, dead, since }: ReplayOptions): ReplayFilter | string {
  const given = [id, dead, since].filter((option) => option !== undefined)
  if (given.length !== 1) return 'replay takes exactly one of an id, --dead and --since.'
  if (id !== undefined) return { kind: 'event', id }
  if (since === undefined) return { kind: 'dead' }
  const date = parseRfc3339(since)
  return date === null ? `--since must be ${RFC3339_RULE}.` : { kind: 'since', since: date }
}

/** Sends a test callback to the URL and prints the response. Returns 0 if the target accepted it. */
export async function testCallback(url: string): Promise<number> {
  const target = parseTarget(url)
  if (target === null) {
    process.stderr.write(
      'headgate: the URL must be an http(s) URL without user name, password and fragment, such as https://app.example.com/callbacks.\n',
    )
    return 1
  }
  const config = readConfigOrReport(readCallbackConfig)
  if (config === null) return 1
  if (config.callbacks === null) {
    process.stderr.write(
      'headgate: callbacks are not configured. Set CALLBACK_URLS and CALLBACK_SECRET.\n',
    )
    return 1
  }
  const { status, error, text } = await sendTestCallback(target, config.callbacks.secrets)
  if (error === null) {
    process.stdout.write(`The target accepted the callback (status ${status}).\n`)
  } else {
    process.stderr.write(`headgate: ${escapeControls(error)}\n`)
  }
  if (text !== '') {
    process.stdout.write(`${escapeControls(text.slice(0, MAX_SHOWN_CHARACTERS))}\n`)
  }
  return error === null ? 0 : 1
}
