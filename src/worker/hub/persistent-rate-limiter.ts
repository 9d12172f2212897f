/**
 * Rate limiter that survives eviction of the Durable Object: counts in memory, and stores each
 * request and block, which it loads when the object wakes.
 */
import { type RateLimiter, MAX_BLOCK_MS } from '../../uploads/ports/rate-limiter.ts'
import { createMemoryRateLimiter } from '../../rate-limits/memory-rate-limiter.ts'
import type { DurableObjectStorage } from '../runtime-types.ts'

/** Interval at which expired entries are deleted, in milliseconds. */
const SWEEP_MS = 60_000

const TABLES = [
  'create table if not exists taken (key text not null, at integer not null, span integer not null) strict',
  'create table if not exists held (key text primary key, until integer not null) strict',
]

/**
 * Resolves once all stored entries are loaded.
 * @param now milliseconds since 1970: a clock that continues while the object sleeps
 */
export async function openPersistentRateLimiter(
  { sql }: Pick<DurableObjectStorage, 'sql'>,
  now: () => number = Date.now,
): Promise<RateLimiter> {
  /** Timestamp of the entry that is being loaded; null after loading. */
  let readAt: number | null = null
  const memory = createMemoryRateLimiter(() => readAt ?? now())
  let sweptAt = 0
  for (const table of TABLES) sql.exec(table)
  for (const { key, at, span } of sql.exec('select * from taken order by rowid').toArray()) {
    if (typeof key !== 'string' || typeof at !== 'number' || typeof span !== 'number') continue
    // The request was accepted then, so it counts without a limit.
    const within = [{ limit: Number.MAX_SAFE_INTEGER, windowMs: span }]
    readAt = at
    await memory.consume(key, within)
  }
  readAt = null
  for (const { key, until } of sql.exec('select * from held').toArray()) {
    if (typeof key === 'string' && typeof until === 'number') {
      await memory.block(key, blockMs(until))
    }
  }

  /** Returns 0 for an end beyond the longest block: a wrong clock stored it. */
  function blockMs(until: number): number {
    const remainingMs = until - now()
    return remainingMs > MAX_BLOCK_MS ? 0 : remainingMs
  }

  function deleteExpired(at: number): void {
    if (Math.abs(at - sweptAt) < SWEEP_MS) return
    sweptAt = at
    sql.exec('delete from taken where at + span < ?', at)
    sql.exec('delete from held where until < ? or until > ?', at, at + MAX_BLOCK_MS)
  }

  return {
    async consume(key, within) {
      const consumed = await memory.consume(key, within)
      if (consumed.kind === 'consumed' && within.length > 0) {
        const { at } = consumed
        const span = Math.max(...within.map(({ windowMs }) => windowMs))
        deleteExpired(at)
        sql.exec('insert into taken values (?, ?, ?)', key, at, span)
      }
      return consumed
    },
    async giveBack(key, at) {
      await memory.giveBack(key, at)
      sql.exec(
        `delete from taken where rowid =
          (select rowid from taken where key = ? and at <= ? order by at desc limit 1)`,
        key,
        at,
      )
    },
    async block(key, milliseconds) {
      await memory.block(key, milliseconds)
      const at = now()
      deleteExpired(at)
      sql.exec(
        `insert into held values (?, ?) on conflict do update set until =
          case when until > ? then excluded.until else max(until, excluded.until) end`,
        key,
        at + Math.min(milliseconds, MAX_BLOCK_MS),
        at + MAX_BLOCK_MS,
      )
    },
    countConsumed: (key, spanMs) => memory.countConsumed(key, spanMs),
  }
}
