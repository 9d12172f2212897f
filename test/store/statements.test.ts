/** Statements of the SQLite store: prepared once each, and none reads more rows than needed. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import type { UploadFilter, UploadStore, ListRange } from '../../src/uploads/ports/upload-store.ts'
import { listedStatuses } from '../../src/uploads/upload.ts'
import { changeOf, unlimited } from '../contracts/store-suite.ts'
import { after, reservationOf } from '../kit/samples.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-statements-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

const conditions: readonly UploadFilter[] = [
  { creator: 'alice' },
  { statuses: ['READY', 'ERROR'] },
  { protocol: 'TUS' },
  { createdAfter: after(0) },
  { createdBefore: after(9) },
]

/** Every combination of conditions; without other statuses, the list leaves deleted uploads out. */
const filters = conditions.reduce<readonly UploadFilter[]>(
  (all, condition) => all.flatMap((filter) => [filter, { ...filter, ...condition }]),
  [{ statuses: listedStatuses }],
)

const ranges: readonly ListRange[] = (['older', 'newer'] as const).flatMap((direction) => [
  { direction, limit: 20 },
  { direction, limit: 20, from: { createdAt: after(1), id: 'x' } },
])

/** Calls every operation of the port with each filter; `round` makes the ids unique. */
async function callEveryOperation(store: UploadStore, round: string): Promise<void> {
  const [a, b] = [`a-${round}`, `b-${round}`]
  const rules = { creatorQuotaSeconds: 1e9, keysValidSince: after(0) }
  const keyed = reservationOf({ id: a, idempotencyKey: a })
  await store.reserve(keyed, rules)
  await store.reserve(keyed, rules)
  await store.reserve(reservationOf({ id: b }), unlimited)
  await store.pendingReservations(after(1), 10)
  const minted = { uid: a, uploadURL: 'https://upload.example.com/x' }
  const upload = await store.mint(keyed, minted, after(1), after(15))
  if (upload === null) throw new Error('The upload was not minted.')
  await store.findByKey('alice', a, after(0))
  await store.retire(b)
  await store.release(b)
  await store.findReferences([a, b])
  await store.deleteRetiredBefore(after(1))
  await store.find(a)
  await store.findMany([a, b])
  const event = { status: 'QUEUED', source: 'SYNC', at: after(2) } as const
  await store.saveVersion(changeOf(upload, { status: 'QUEUED' }, { event, pollAt: after(9) }))
  await store.historyOf([a, b])
  await store.findDue(after(20), 10)
  await store.oldestDuePoll()
  await store.reschedulePolls([{ uid: a, version: 2, pollAt: after(30), idlePolls: 1 }])
  await store.quotaUsage()
  await store.quotaUsage('alice')
  await store.reserve(keyed, { ...rules, tokenLimit: { tokenId: a, maxUploads: 1 } })
  await store.countByToken(a)
  await store.countByStatus()
  await store.countReservations()
  await store.saveUnmatchedWebhook(a, 'body', after(1))
  await store.unmatchedWebhooks(a)
  await store.deleteUnmatchedWebhooks(a)
  await store.saveUnmatchedWebhook(b, 'body', after(1))
  await store.deleteUnmatchedWebhooksBefore(after(2))
  await store.ping()
  for (const filter of filters) {
    await store.count(filter)
    for (const range of ranges) await store.list(filter, range)
  }
}

test('prepares each statement once', async () => {
  const store = createSqliteStore(':memory:')
  await callEveryOperation(store, 'first')
  const prepare = vi.spyOn(Database.prototype, 'prepare')
  try {
    for (const round of ['second', 'third']) await callEveryOperation(store, round)
    expect(prepare.mock.calls.map(([source]) => source)).toEqual([])
  } finally {
    prepare.mockRestore()
    await store.close()
  }
})

let databases = 0

/** Every statement that reads or writes rows, with SQLite's query plan. */
async function plansOfAll(): Promise<readonly Plan[]> {
  databases += 1
  const file = join(folder, `${databases}.db`)
  const prepare = vi.spyOn(Database.prototype, 'prepare')
  const store = createSqliteStore(file)
  await callEveryOperation(store, 'only')
  const sources = new Set(prepare.mock.calls.map(([source]) => source))
  prepare.mockRestore()
  await store.close()
  const connection = new Database(file)
  const plans = [...sources]
    .filter((source) => /^(select|update|delete|insert)\b/.test(source))
    .filter((source) => /\b(uploads|upload_events|upload_tallies|kept_notices)\b/.test(source))
    .map((source) => ({ source, steps: stepsOf(connection, source) }))
  connection.close()
  return plans
}

interface Plan {
  readonly source: string
  /** Steps of the plan, in order. https://www.sqlite.org/eqp.html */
  readonly steps: readonly string[]
}

const scansOf = ({ steps }: Plan) =>
  steps.filter((step) => step.startsWith('SCAN') && !ofJson.test(step) && !ofCount.test(step))
const isSorted = ({ steps }: Plan) => steps.some((step) => step.includes('TEMP B-TREE'))

/** A list without a filter reads an index in order up to its limit. */
const indexScan = /^SCAN uploads USING INDEX uploads_listed_by_age$/
/** JSON parameters (`listed` are those of targets) and the one row about the deployment are read completely. */
const ofJson = /^SCAN (?:json_each|listed|deployments)\b/
/** A count reads all rows of its subquery, which has a limit; the count of reservations all entries of their index. */
const ofCount = /^SCAN (?:counted|uploads USING COVERING INDEX uploads_unsettled)$/
/** A list by status or protocol merges the nearest rows of each kind, found by one of these indexes. */
const ofOneKind =
  /^SEARCH uploads USING INDEX uploads_by_(?:creator_)?status \((?:creator=\? AND )?status=\? AND protocol=\?/

test('finds rows by an index: no statement scans a table, no list without a filter is sorted', async () => {
  const plans = await plansOfAll()
  const lists = plans.filter(({ source }) =>
    /\border by "uploads"\."created_at" \w+, /.test(source),
  )
  const byKind = lists.filter(({ source }) => source.includes('json_each'))
  const whole = lists.filter((plan) => !byKind.includes(plan))
  const counts = plans.filter(
    ({ source }) => source.startsWith('select count(*)') && !/"token_id"|'RESERVED'/.test(source),
  )
  const others = plans.filter((plan) => !lists.includes(plan) && !counts.includes(plan))
  expect(filters).toHaveLength(32)
  // With or without a creator, with two, one or no time limits, with or without a cursor. A time
  // limit and a cursor on the same side are one condition. Statuses and protocols are parameters.
  expect([byKind.length, whole.length]).toEqual([2 * (8 + 4), 2 * (8 + 4)])
  // Counts without a time limit use the totals; statuses and protocols are parameters.
  expect(counts).toHaveLength(6)
  expect(others.length).toBeGreaterThan(25)

  expect([...counts, ...others, ...byKind].filter((plan) => scansOf(plan).length > 0)).toEqual([])
  expect(whole.filter((plan) => !scansOf(plan).every((step) => indexScan.test(step)))).toEqual([])
  expect(whole.filter(isSorted)).toEqual([])
  expect(
    [...byKind, ...counts].filter(({ steps }) => !steps.some((step) => ofOneKind.test(step))),
  ).toEqual([])
  // The unmatched webhooks of one video, which are few.
  expect(others.filter(isSorted).map(({ source }) => source)).toEqual([
    expect.stringContaining('from "kept_notices" where "kept_notices"."uid" = ?'),
  ])
})

test('seeks to the cursor of a page and reads no row before it', async () => {
  const from = (await plansOfAll()).filter(({ source }) =>
    /\("uploads"\."created_at", /.test(source),
  )
  expect(from).toHaveLength(2 * 2 * 4)
  const seek = /^SEARCH uploads USING INDEX uploads_\w+ \(.*\(created_at,id\)[<>]\(\?,\?\)/
  expect(from.filter(({ steps }) => !steps.some((step) => seek.test(step)))).toEqual([])
})

test('uses no parameter that SQLite would inspect for planning', async () => {
  const sources = (await plansOfAll()).map(({ source }) => source)
  expect(sources.filter((source) => source.endsWith(' limit cast(? as integer)'))).not.toEqual([])
  expect(sources.filter((source) => /\blimit \?/.test(source))).toEqual([])
})

test('uses the expected index for each kind of query', async () => {
  const plans = await plansOfAll()
  const indexOf = (pattern: RegExp) =>
    plans
      .filter(({ source }) => pattern.test(source))
      .map(({ steps }) => /USING (?:COVERING )?(?:INDEX )?(\w+(?: KEY)?)/.exec(steps[0] ?? '')?.[1])
  for (const [pattern, index] of [
    [/where "uploads"\."uid" (?:=|in) /, 'uploads_by_uid'],
    [/"idempotency_key" = \?\)$/, 'uploads_key'],
    [/where .*"check_at" is not null/, 'uploads_due'],
    [/"token_id" = \? and/, 'uploads_by_token'],
    [/where "uploads"\."status" = 'RESERVED'/, 'uploads_unsettled'],
    [/where "uploads"\."status" = 'RETIRED'/, 'uploads_retired'],
    [/from "kept_notices" where .*"received_at" </, 'kept_notices_by_age'],
    [/from "upload_events"/, 'sqlite_autoindex_upload_events_1'],
    [/from "upload_tallies"/, 'PRIMARY KEY'],
  ] as const) {
    expect([pattern, ...new Set(indexOf(pattern))]).toEqual([pattern, index])
  }
})

function stepsOf(connection: Database.Database, source: string): readonly string[] {
  const parameters = Array.from(source.matchAll(/\?/g), () => null)
  const rows = connection.prepare(`explain query plan ${source}`).all(...parameters)
  return z
    .array(z.object({ detail: z.string() }))
    .parse(rows)
    .map(({ detail }) => detail)
}
