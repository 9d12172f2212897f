/** Statements of the outbox in SQLite and D1: which rows each reads. */
import { expect, test } from 'vitest'
import { z } from 'zod'
import { callbackStatements as d1Statements } from '../../src/store/d1/callback-statements.ts'
import { defineCallbackStatements } from '../../src/store/sqlite/callback-statements.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { type StatementDefinition, packedRow } from '../../src/store/sqlite/define-statement.ts'

const explained = z.array(z.object({ detail: z.string() }))

const sqliteStatements = defineCallbackStatements(packedRow)

/** How the statement reads deliveries, by SQLite's query plan. https://www.sqlite.org/eqp.html */
function readsOf({ source }: Pick<StatementDefinition<never>, 'source'>): readonly string[] {
  const { connection } = openSqlite(':memory:')
  try {
    const parameters = Array.from(source.matchAll(/\?/g), () => null)
    const rows = connection.prepare(`explain query plan ${source}`).all(...parameters)
    return explained
      .parse(rows)
      .map(({ detail }) => detail)
      .filter((detail) => /^(?:SCAN|SEARCH) (?:callback_deliveries|waiting)\b/.test(detail))
  } finally {
    connection.close()
  }
}

/** The deliveries of one upload to one target. */
const ofUpload = /INDEX sqlite_autoindex_callback_deliveries_1 \(upload_id=\? AND target=\?/
const oneRow = /INTEGER PRIMARY KEY \(rowid=\?\)$/
/** Due ones of a target, in order, up to a limit. */
const due = /INDEX callback_deliveries_due \(target=\? AND due_at>\?(?: AND due_at<\?)?\)$/
/** Waiting ones of a target: the oldest, or as many as are counted. */
const waitingOf = /COVERING INDEX callback_deliveries_waiting \(target=\?\)$/
const waitingBefore = /COVERING INDEX callback_deliveries_waiting \(target=\? AND at<\?\)$/
const deadOf = /COVERING INDEX callback_deliveries_dead \(target=\?\)$/
/** The first or the next target for which one waits. */
const nextTarget =
  /^SEARCH callback_deliveries USING COVERING INDEX callback_deliveries_waiting(?: \(target>\?\))?$/
const done = /INDEX callback_deliveries_done \(state=\? AND done_at[=>]\?/

test.each([
  ['addDelivery', sqliteStatements.addDelivery, [ofUpload]],
  ['dueDeliveries', sqliteStatements.dueDeliveries, [due]],
  ['recordAttempt', sqliteStatements.recordAttempt, [ofUpload]],
  ['postpone', sqliteStatements.postpone, [ofUpload]],
  ['promote', sqliteStatements.promote, [ofUpload, ofUpload, ofUpload]],
  ['promoteReplayed', sqliteStatements.promoteReplayed, [done, ofUpload, ofUpload, ofUpload]],
  ['promoteExpired', sqliteStatements.promoteExpired, [done, ofUpload, ofUpload, ofUpload]],
  ['expire', sqliteStatements.expire, [oneRow, nextTarget, nextTarget, waitingBefore]],
  [
    'hasOldDeliveries',
    sqliteStatements.hasOldDeliveries,
    [nextTarget, nextTarget, waitingBefore, done, done],
  ],
  ['countDeliveries', sqliteStatements.countDeliveries, [waitingOf, deadOf, waitingOf]],
  ['followed', sqliteStatements.followed, [ofUpload]],
  ['nextDelivery', sqliteStatements.nextDelivery, [due]],
  ['addDeliveries of D1', d1Statements.addDeliveries, [ofUpload]],
  ['dueDeliveries of D1', d1Statements.dueDeliveries, [due]],
  ['claimDeliveries of D1', d1Statements.claimDeliveries, [oneRow, due]],
  ['recordResults of D1', d1Statements.recordResults, [ofUpload]],
])('%s does not read all that waits for a target', (_name, statement, expected) => {
  const reads = readsOf(statement)
  expect(reads).toHaveLength(expected.length)
  for (const [index, pattern] of expected.entries()) expect(reads[index]).toMatch(pattern)
})
