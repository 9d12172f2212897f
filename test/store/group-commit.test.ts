/** Group commits on a real file, with a second connection that reads it or holds its lock. */
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import * as fc from 'fast-check'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  type GroupCommit,
  type GroupCommitOptions,
  createGroupCommit,
} from '../../src/store/sqlite/group-commit.ts'
import { createTickReadTransaction } from '../../src/store/sqlite/read-transaction.ts'
import { StoreUnavailable } from '../../src/uploads/ports/store-unavailable.ts'
import { type TestClock, createTestClock } from '../kit/clock.ts'

const folder = mkdtempSync(join(tmpdir(), 'headgate-commits-'))
afterAll(() => rm(folder, { recursive: true, force: true }))

let files = 0

interface Fixture {
  readonly commits: GroupCommit
  /** Requests one more row. Each number can be in the table once. */
  readonly add: (number: number) => Promise<number>
  readonly connection: Database.Database
  /** A second connection to the same file, as another process has. */
  readonly other: Database.Database
  /** The numbers that the second connection reads. */
  readonly readNumbers: () => unknown[]
  /** Every statement that has run. */
  readonly statements: string[]
}

/** @param now clock that limits how long writes are collected; stands still by default */
function openFixture(
  now: () => number = () => 0,
  { wait }: Pick<GroupCommitOptions, 'wait'> = {},
): Fixture {
  files += 1
  const file = join(folder, `${files}.db`)
  const statements: string[] = []
  const verbose = (source: unknown) => statements.push(String(source))
  const connection = new Database(file, { verbose, timeout: 0 })
  connection.pragma('journal_mode = WAL')
  connection.exec('create table numbers (number integer primary key, blob blob)')
  const insert = connection.prepare('insert into numbers (number) values (?)')
  const other = new Database(file)
  const read = other.prepare('select number from numbers order by number').pluck()
  onTestFinished(() => {
    connection.close()
    other.close()
  })
  const commits = createGroupCommit(connection, createTickReadTransaction(connection), {
    now,
    ...(wait === undefined ? {} : { wait }),
  })
  return {
    commits,
    add: (number) =>
      commits.write(() => {
        insert.run(number)
        return number
      }),
    connection,
    other,
    readNumbers: () => read.all(),
    statements,
  }
}

/** Resolves after the current tick of the event loop. */
const nextTick = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

const countOf = (statements: readonly string[], statement: string): number =>
  statements.filter((source) => source.toLowerCase() === statement).length

/** Returns SQLite's code or the message of each rejection, and null for each success. */
function reasonsOf(outcomes: readonly PromiseSettledResult<unknown>[]): (string | null)[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return null
    const { reason: thrown }: { reason: unknown } = outcome
    const reason = thrown instanceof StoreUnavailable ? thrown.cause : thrown
    return reason instanceof Database.SqliteError ? reason.code : String(reason)
  })
}

describe('writes requested in successive ticks', () => {
  test('are collected while each tick adds one, and share a commit', async () => {
    const { add, readNumbers, statements } = openFixture()
    const writes = [add(0), add(1)]
    for (const number of [2, 3]) {
      await nextTick()
      expect(readNumbers()).toEqual([])
      writes.push(add(number))
    }
    await Promise.all(writes)
    expect(readNumbers()).toEqual([0, 1, 2, 3])
    expect(countOf(statements, 'commit')).toBe(1)
  })

  test('are collected for at most two milliseconds', async () => {
    let time = 0
    const { add, readNumbers } = openFixture(() => time)
    const writes = [add(0), add(1)]
    time = 1.9
    await nextTick()
    expect(readNumbers()).toEqual([])
    writes.push(add(2))
    time = 2
    await nextTick()
    expect(readNumbers()).toEqual([0, 1, 2])
    await Promise.all(writes)
  })

  test('are committed in the next tick when there is only one', async () => {
    const { add, readNumbers } = openFixture()
    const alone = add(0)
    await nextTick()
    expect(readNumbers()).toEqual([0])
    await alone
  })
})

describe('writes requested in one tick', () => {
  test('resolve in order with their own results from one commit', async () => {
    const { add, readNumbers, statements } = openFixture()
    expect(await Promise.all(upTo(100).map(add))).toEqual(upTo(100))
    expect(readNumbers()).toEqual(upTo(100))
    expect(countOf(statements, 'begin immediate')).toBe(1)
    expect(countOf(statements, 'commit')).toBe(1)
  })

  test('take several commits when there are more than 512', async () => {
    const { add, readNumbers, statements } = openFixture()
    await Promise.all(upTo(1025).map(add))
    expect(readNumbers()).toHaveLength(1025)
    expect(countOf(statements, 'commit')).toBe(3)
  })

  test('are durable once they resolve, and do not start before the tick ends', async () => {
    const { add, readNumbers } = openFixture()
    const first = add(1)
    expect(readNumbers()).toEqual([])
    const reads: unknown[] = []
    await Promise.all([
      first.then(() => reads.push(readNumbers())),
      add(2).then(() => reads.push(readNumbers())),
    ])
    expect(reads).toEqual([
      [1, 2],
      [1, 2],
    ])
  })

  test('are committed by a flush immediately and once', async () => {
    const { commits, add, readNumbers, statements } = openFixture()
    const both = Promise.all([add(1), add(2)])
    const flushed = commits.flush()
    expect(readNumbers()).toEqual([1, 2])
    await flushed
    expect(await both).toEqual([1, 2])
    await commits.flush()
    expect(await add(3)).toBe(3)
    expect(countOf(statements, 'commit')).toBe(2)
  })

  test('can request further writes when they resolve', async () => {
    const { add, readNumbers } = openFixture()
    await Promise.all(upTo(10).map((number) => add(number).then(() => add(100 + number))))
    expect(readNumbers()).toHaveLength(20)
  })
})

describe('a write that throws', () => {
  test('is rejected alone among others, with its own error', async () => {
    const { add, readNumbers } = openFixture()
    const outcomes = await Promise.allSettled([1, 2, 2, 3, 1, 4].map(add))
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ])
    expect(reasonsOf(outcomes)[2]).toBe('SQLITE_CONSTRAINT_PRIMARYKEY')
    expect(readNumbers()).toEqual([1, 2, 3, 4])
  })

  test('leaves no partial write', async () => {
    const { commits, connection, add, readNumbers } = openFixture()
    const insert = connection.prepare('insert into numbers (number) values (?)')
    const failing = commits.write(() => {
      insert.run(7)
      throw new Error('halfway')
    })
    const outcomes = await Promise.allSettled([add(1), failing, add(2)])
    expect(reasonsOf(outcomes)).toEqual([null, 'Error: halfway', null])
    expect(readNumbers()).toEqual([1, 2])
  })

  test('has the same outcome in a group as in sequence', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }),
        async (all) => {
          const { add, readNumbers } = openFixture()
          const outcomes = await Promise.allSettled(all.map(add))
          const isFirst = all.map((number, place) => all.indexOf(number) === place)
          expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(isFirst)
          expect(readNumbers()).toEqual([...new Set(all)].toSorted((a, b) => a - b))
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('a transaction that fails', () => {
  test('on a full disk rejects only what does not fit, and succeeds once there is space', async () => {
    const { commits, connection, add, readNumbers } = openFixture()
    const most = Number(connection.pragma('max_page_count', { simple: true }))
    const pages = Number(connection.pragma('page_count', { simple: true }))
    const insert = connection.prepare('insert into numbers values (?, zeroblob(100000))')
    connection.pragma(`max_page_count = ${pages + 2}`)
    const large = commits.write(() => insert.run(99))
    const outcomes = await Promise.allSettled([add(1), large, add(2)])
    expect(reasonsOf(outcomes)).toEqual([null, 'SQLITE_FULL', null])
    expect(readNumbers()).toEqual([1, 2])
    connection.pragma(`max_page_count = ${most}`)
    await commits.write(() => insert.run(99))
    expect(readNumbers()).toEqual([1, 2, 99])
  })

  test('at the commit rejects all writes', async () => {
    const { commits, connection, add, readNumbers } = openFixture()
    connection.pragma('foreign_keys = ON')
    // A deferred constraint is checked by the commit, after all writes have run.
    connection.exec(
      'create table marks (number references numbers (number) deferrable initially deferred)',
    )
    const mark = connection.prepare('insert into marks values (5)')
    const outcomes = await Promise.allSettled([add(1), commits.write(() => mark.run()), add(2)])
    expect(reasonsOf(outcomes)).toEqual(upTo(3).map(() => 'SQLITE_CONSTRAINT_FOREIGNKEY'))
    expect(readNumbers()).toEqual([])
    expect(await add(1)).toBe(1)
  })

  test('on a closed connection rejects all writes', async () => {
    const { add, connection } = openFixture()
    const outcomes = Promise.allSettled([add(1), add(2)])
    connection.close()
    const closed = 'TypeError: The database connection is not open'
    expect(reasonsOf(await outcomes)).toEqual([closed, closed])
  })
})

/** A fixture whose wait for the lock follows a clock that the test advances. */
function openLockedFixture() {
  const clock: TestClock = createTestClock(() => 0)
  const fixture = openFixture(undefined, {
    wait: (milliseconds, signal) => clock.wait(milliseconds, signal),
  })
  fixture.other.exec('begin immediate')
  return {
    ...fixture,
    clock,
    /** Runs the first attempt, which starts two ticks after the write. */
    begin: async (): Promise<void> => {
      await nextTick()
      await nextTick()
    },
    /** Advances the clock to the next attempt and runs it. */
    retry: async (): Promise<void> => {
      clock.advance(0.02)
      await nextTick()
    },
    release: () => void fixture.other.exec('rollback'),
  }
}

describe('writes while another process holds the write lock', () => {
  test('wait without blocking the thread and are committed in order', async () => {
    const { add, readNumbers, statements, begin, retry, release } = openLockedFixture()
    const order: number[] = []
    const addInOrder = async (number: number): Promise<void> => {
      order.push(await add(number))
    }
    const writes = [1, 2, 3].map(addInOrder)
    await begin()
    const attempts = countOf(statements, 'begin immediate')
    for (let round = 0; round < 5; round += 1) await retry()
    expect(countOf(statements, 'begin immediate')).toBe(attempts + 5)
    expect([order, readNumbers()]).toEqual([[], []])
    writes.push(addInOrder(4))
    await nextTick()
    release()
    await retry()
    expect(readNumbers()).toEqual([1, 2, 3, 4])
    await Promise.all(writes)
    expect(order).toEqual([1, 2, 3, 4])
    expect(countOf(statements, 'commit')).toBe(1)
  })

  test('are retried for five seconds and then rejected', async () => {
    const { commits, add, readNumbers, clock, begin, retry, release } = openLockedFixture()
    const outcomes = Promise.allSettled(upTo(20).map(add))
    await begin()
    clock.advance(4.9)
    await nextTick()
    const late = Promise.allSettled([add(99)])
    expect(commits.failure()).toBeNull()
    clock.advance(0.1)
    await nextTick()
    await retry()
    expect(reasonsOf(await outcomes)).toEqual(upTo(20).map(() => 'SQLITE_BUSY'))
    expect(reasonsOf(await late)).toEqual(['SQLITE_BUSY'])
    expect(commits.failure()?.reason).toMatch(/write lock/)
    release()
    await retry()
    // The failure is cleared by a probe, without another write.
    expect(commits.failure()).toBeNull()
    await Promise.all(upTo(20).map(add))
    expect(readNumbers()).toEqual(upTo(20))
  })

  test('are tried once after a longer hold, and wait again once it was free', async () => {
    const { add, readNumbers, clock, begin, retry, release, other } = openLockedFixture()
    const first = add(1).catch(() => 'rejected')
    await begin()
    clock.advance(5)
    await nextTick()
    await retry()
    expect(await first).toBe('rejected')
    const second = add(2).catch(() => 'rejected')
    await retry()
    expect(await second).toBe('rejected')
    release()
    await retry()
    other.exec('begin immediate')
    const third = add(3)
    await nextTick()
    await retry()
    other.exec('rollback')
    await retry()
    expect(await third).toBe(3)
    expect(readNumbers()).toEqual([3])
  })

  test('are committed by a flush that waits for the lock', async () => {
    const { commits, add, readNumbers, retry, release } = openLockedFixture()
    const write = add(1)
    const flushed = commits.flush()
    await retry()
    expect(readNumbers()).toEqual([])
    release()
    await retry()
    await flushed
    expect(readNumbers()).toEqual([1])
    expect(await write).toBe(1)
  })

  test('that throw are rejected alone once the lock is free', async () => {
    const { add, readNumbers, begin, retry, release } = openLockedFixture()
    const outcomes = Promise.allSettled([1, 2, 2, 3].map(add))
    await begin()
    await retry()
    release()
    await retry()
    expect(reasonsOf(await outcomes)).toEqual([null, null, 'SQLITE_CONSTRAINT_PRIMARYKEY', null])
    expect(readNumbers()).toEqual([1, 2, 3])
  })

  test('are rejected when the connection closes', async () => {
    const { add, connection, begin, retry } = openLockedFixture()
    const outcomes = Promise.allSettled([add(1)])
    await begin()
    connection.close()
    await retry()
    expect(reasonsOf(await outcomes)).toEqual(['TypeError: The database connection is not open'])
  })
})
