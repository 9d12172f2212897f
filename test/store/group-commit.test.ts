/** Writes that share a commit: on a real file, with a second connection that looks on or stands in the way. */
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

interface Bench {
  readonly commits: GroupCommit
  /** Asks for one more row. The same number is in the table once at most. */
  readonly add: (number: number) => Promise<number>
  readonly connection: Database.Database
  /** Another connection to the same file, as another process has it. */
  readonly other: Database.Database
  /** The numbers that the other connection sees. */
  readonly seen: () => unknown[]
  /** Every statement that ran so far. */
  readonly ran: string[]
}

/** @param now the time by which writes wait for company; it stands still where left out */
function openBench(
  now: () => number = () => 0,
  { wait }: Pick<GroupCommitOptions, 'wait'> = {},
): Bench {
  files += 1
  const file = join(folder, `${files}.db`)
  const ran: string[] = []
  const verbose = (source: unknown) => ran.push(String(source))
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
    seen: () => read.all(),
    ran,
  }
}

/** After whatever this turn of the event loop has left to do. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

const countOf = (ran: readonly string[], word: string): number =>
  ran.filter((source) => source.toLowerCase() === word).length

/** SQLite's code, or the error in words; null for what was done. */
function reasonsOf(outcomes: readonly PromiseSettledResult<unknown>[]): (string | null)[] {
  return outcomes.map((outcome) => {
    if (outcome.status === 'fulfilled') return null
    const { reason: thrown }: { reason: unknown } = outcome
    const reason = thrown instanceof StoreUnavailable ? thrown.cause : thrown
    return reason instanceof Database.SqliteError ? reason.code : String(reason)
  })
}

describe('writes that are asked for in one turn after the other', () => {
  test('gather while each turn brings more, and then share a commit', async () => {
    const { add, seen, ran } = openBench()
    const writes = [add(0), add(1)]
    for (const number of [2, 3]) {
      await nextTurn()
      expect(seen()).toEqual([])
      writes.push(add(number))
    }
    await Promise.all(writes)
    expect(seen()).toEqual([0, 1, 2, 3])
    expect(countOf(ran, 'commit')).toBe(1)
  })

  test('gather for two milliseconds at most', async () => {
    let time = 0
    const { add, seen } = openBench(() => time)
    const writes = [add(0), add(1)]
    time = 1.9
    await nextTurn()
    expect(seen()).toEqual([])
    writes.push(add(2))
    time = 2
    await nextTurn()
    expect(seen()).toEqual([0, 1, 2])
    await Promise.all(writes)
  })

  test('wait for nobody where they come alone', async () => {
    const { add, seen } = openBench()
    const alone = add(0)
    await nextTurn()
    expect(seen()).toEqual([0])
    await alone
  })
})

describe('writes that are asked for in one turn of the event loop', () => {
  test('are answered in order, each with its own, from one commit', async () => {
    const { add, seen, ran } = openBench()
    expect(await Promise.all(upTo(100).map(add))).toEqual(upTo(100))
    expect(seen()).toEqual(upTo(100))
    expect(countOf(ran, 'begin immediate')).toBe(1)
    expect(countOf(ran, 'commit')).toBe(1)
  })

  test('are many commits where they are very many', async () => {
    const { add, seen, ran } = openBench()
    await Promise.all(upTo(1025).map(add))
    expect(seen()).toHaveLength(1025)
    expect(countOf(ran, 'commit')).toBe(3)
  })

  test('are durable once they resolve, and not begun before', async () => {
    const { add, seen } = openBench()
    const first = add(1)
    expect(seen()).toEqual([])
    const whatIsSeen: unknown[] = []
    await Promise.all([
      first.then(() => whatIsSeen.push(seen())),
      add(2).then(() => whatIsSeen.push(seen())),
    ])
    expect(whatIsSeen).toEqual([
      [1, 2],
      [1, 2],
    ])
  })

  test('are committed at once by a flush, and only once', async () => {
    const { commits, add, seen, ran } = openBench()
    const both = Promise.all([add(1), add(2)])
    const flushed = commits.flush()
    expect(seen()).toEqual([1, 2])
    await flushed
    expect(await both).toEqual([1, 2])
    await commits.flush()
    expect(await add(3)).toBe(3)
    expect(countOf(ran, 'commit')).toBe(2)
  })

  test('may ask for more when they are answered', async () => {
    const { add, seen } = openBench()
    await Promise.all(upTo(10).map((number) => add(number).then(() => add(100 + number))))
    expect(seen()).toHaveLength(20)
  })
})

describe('a write that throws', () => {
  test('among many is rejected alone, with what it threw', async () => {
    const { add, seen } = openBench()
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
    expect(seen()).toEqual([1, 2, 3, 4])
  })

  test('leaves nothing of itself behind', async () => {
    const { commits, connection, add, seen } = openBench()
    const insert = connection.prepare('insert into numbers (number) values (?)')
    const failing = commits.write(() => {
      insert.run(7)
      throw new Error('halfway')
    })
    const outcomes = await Promise.allSettled([add(1), failing, add(2)])
    expect(reasonsOf(outcomes)).toEqual([null, 'Error: halfway', null])
    expect(seen()).toEqual([1, 2])
  })

  test('in any crowd ends as it would have, one after the other', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }),
        async (all) => {
          const { add, seen } = openBench()
          const outcomes = await Promise.allSettled(all.map(add))
          const isFirst = all.map((number, place) => all.indexOf(number) === place)
          expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(isFirst)
          expect(seen()).toEqual([...new Set(all)].toSorted((a, b) => a - b))
        },
      ),
      { numRuns: 30 },
    )
  })
})

describe('a transaction that fails', () => {
  test('for a disk that is full rejects what does not fit, and goes on when there is room', async () => {
    const { commits, connection, add, seen } = openBench()
    const most = Number(connection.pragma('max_page_count', { simple: true }))
    const pages = Number(connection.pragma('page_count', { simple: true }))
    const insert = connection.prepare('insert into numbers values (?, zeroblob(100000))')
    connection.pragma(`max_page_count = ${pages + 2}`)
    const large = commits.write(() => insert.run(99))
    const outcomes = await Promise.allSettled([add(1), large, add(2)])
    expect(reasonsOf(outcomes)).toEqual([null, 'SQLITE_FULL', null])
    expect(seen()).toEqual([1, 2])
    connection.pragma(`max_page_count = ${most}`)
    await commits.write(() => insert.run(99))
    expect(seen()).toEqual([1, 2, 99])
  })

  test('in the commit rejects all: nobody is told of what is not there', async () => {
    const { commits, connection, add, seen } = openBench()
    connection.pragma('foreign_keys = ON')
    // What is deferred is checked by the commit: a failure that no work sees.
    connection.exec(
      'create table marks (number references numbers (number) deferrable initially deferred)',
    )
    const mark = connection.prepare('insert into marks values (5)')
    const outcomes = await Promise.allSettled([add(1), commits.write(() => mark.run()), add(2)])
    expect(reasonsOf(outcomes)).toEqual(upTo(3).map(() => 'SQLITE_CONSTRAINT_FOREIGNKEY'))
    expect(seen()).toEqual([])
    expect(await add(1)).toBe(1)
  })

  test('for a connection that is closed rejects all', async () => {
    const { add, connection } = openBench()
    const outcomes = Promise.allSettled([add(1), add(2)])
    connection.close()
    const closed = 'TypeError: The database connection is not open'
    expect(reasonsOf(await outcomes)).toEqual([closed, closed])
  })
})

/** A bench whose waiting for the lock goes by a clock that stands still until it is advanced. */
function openLockedBench() {
  const clock: TestClock = createTestClock(() => 0)
  const bench = openBench(undefined, {
    wait: (milliseconds, signal) => clock.wait(milliseconds, signal),
  })
  bench.other.exec('begin immediate')
  return {
    ...bench,
    clock,
    /** Lets the first attempt happen: writes of one turn gather for another. */
    begin: async (): Promise<void> => {
      await nextTurn()
      await nextTurn()
    },
    /** Advances the clock to the next attempt, and lets that happen. */
    retry: async (): Promise<void> => {
      clock.advance(0.02)
      await nextTurn()
    },
    release: () => void bench.other.exec('rollback'),
  }
}

describe('while another process holds the write lock, writes', () => {
  test('wait for it without blocking the thread, and are committed in their order', async () => {
    const { add, seen, ran, begin, retry, release } = openLockedBench()
    const order: number[] = []
    const addInOrder = async (number: number): Promise<void> => {
      order.push(await add(number))
    }
    const writes = [1, 2, 3].map(addInOrder)
    await begin()
    const attempts = countOf(ran, 'begin immediate')
    for (let round = 0; round < 5; round += 1) await retry()
    expect(countOf(ran, 'begin immediate')).toBe(attempts + 5)
    expect([order, seen()]).toEqual([[], []])
    writes.push(addInOrder(4))
    await nextTurn()
    release()
    await retry()
    expect(seen()).toEqual([1, 2, 3, 4])
    await Promise.all(writes)
    expect(order).toEqual([1, 2, 3, 4])
    expect(countOf(ran, 'commit')).toBe(1)
  })

  test('wait for five seconds at most, in which each write is tried again', async () => {
    const { commits, add, seen, clock, begin, retry, release } = openLockedBench()
    const outcomes = Promise.allSettled(upTo(20).map(add))
    await begin()
    clock.advance(4.9)
    await nextTurn()
    const late = Promise.allSettled([add(99)])
    expect(commits.failure()).toBeNull()
    clock.advance(0.1)
    await nextTurn()
    await retry()
    expect(reasonsOf(await outcomes)).toEqual(upTo(20).map(() => 'SQLITE_BUSY'))
    expect(reasonsOf(await late)).toEqual(['SQLITE_BUSY'])
    expect(commits.failure()?.reason).toMatch(/write lock/)
    release()
    await retry()
    // The lock is free, which no write had to find out.
    expect(commits.failure()).toBeNull()
    await Promise.all(upTo(20).map(add))
    expect(seen()).toEqual(upTo(20))
  })

  test('are tried once where it has been held for longer, and wait again once it was free', async () => {
    const { add, seen, clock, begin, retry, release, other } = openLockedBench()
    const first = add(1).catch(() => 'rejected')
    await begin()
    clock.advance(5)
    await nextTurn()
    await retry()
    expect(await first).toBe('rejected')
    const second = add(2).catch(() => 'rejected')
    await retry()
    expect(await second).toBe('rejected')
    release()
    await retry()
    other.exec('begin immediate')
    const third = add(3)
    await nextTurn()
    await retry()
    other.exec('rollback')
    await retry()
    expect(await third).toBe(3)
    expect(seen()).toEqual([3])
  })

  test('are committed by a flush that waits, or rejected by then', async () => {
    const { commits, add, seen, retry, release } = openLockedBench()
    const write = add(1)
    const flushed = commits.flush()
    await retry()
    expect(seen()).toEqual([])
    release()
    await retry()
    await flushed
    expect(seen()).toEqual([1])
    expect(await write).toBe(1)
  })

  test('that throw by themselves are rejected alone, when the lock is free', async () => {
    const { add, seen, begin, retry, release } = openLockedBench()
    const outcomes = Promise.allSettled([1, 2, 2, 3].map(add))
    await begin()
    await retry()
    release()
    await retry()
    expect(reasonsOf(await outcomes)).toEqual([null, null, 'SQLITE_CONSTRAINT_PRIMARYKEY', null])
    expect(seen()).toEqual([1, 2, 3])
  })

  test('end with the connection', async () => {
    const { add, connection, begin, retry } = openLockedBench()
    const outcomes = Promise.allSettled([add(1)])
    await begin()
    connection.close()
    await retry()
    expect(reasonsOf(await outcomes)).toEqual(['TypeError: The database connection is not open'])
  })
})
