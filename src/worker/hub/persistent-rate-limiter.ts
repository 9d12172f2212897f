/**
 * Allowances that outlive the sleep of the object that keeps them: in memory as everywhere, and each
 * written down, so that they are remembered when it wakes.
 */
import { type Allowances, LONGEST_HOLD_MS } from '../../uploads/ports/rate-limiter.ts'
import { createMemoryAllowances } from '../../rate-limits/memory-rate-limiter.ts'
import type { ObjectStorage } from '../runtime-types.ts'

/** So often what is over is removed, in milliseconds. */
const SWEEP_MS = 60_000

const TABLES = [
  'create table if not exists taken (key text not null, at integer not null, span integer not null) strict',
  'create table if not exists held (key text primary key, until integer not null) strict',
]

/**
 * Resolves once all that was written down is remembered.
 * @param now milliseconds since 1970: a clock that outlives the object's sleep
 */
export async function openKeptAllowances(
  { sql }: Pick<ObjectStorage, 'sql'>,
  now: () => number = Date.now,
): Promise<Allowances> {
  /** While what was written down is read: when that was. */
  let readAt: number | null = null
  const memory = createMemoryAllowances(() => readAt ?? now())
  let sweptAt = 0
  for (const table of TABLES) sql.exec(table)
  for (const { key, at, span } of sql.exec('select * from taken order by rowid').toArray()) {
    if (typeof key !== 'string' || typeof at !== 'number' || typeof span !== 'number') continue
    // It was taken: there was room for it then.
    const within = [{ most: Number.MAX_SAFE_INTEGER, spanMs: span }]
    readAt = at
    await memory.take(key, within)
  }
  readAt = null
  for (const { key, until } of sql.exec('select * from held').toArray()) {
    if (typeof key === 'string' && typeof until === 'number') {
      await memory.hold(key, heldMs(until))
    }
  }

  /** None, where it ends later than any hold may: it was written by a clock that was wrong. */
  function heldMs(until: number): number {
    const left = until - now()
    return left > LONGEST_HOLD_MS ? 0 : left
  }

  function forgetOld(at: number): void {
    if (Math.abs(at - sweptAt) < SWEEP_MS) return
    sweptAt = at
    sql.exec('delete from taken where at + span < ?', at)
    sql.exec('delete from held where until < ? or until > ?', at, at + LONGEST_HOLD_MS)
  }

  return {
    async take(key, within) {
      const at = now()
      const wait = await memory.take(key, within)
      if (wait === null && within.length > 0) {
        const span = Math.max(...within.map(({ spanMs }) => spanMs))
        forgetOld(at)
        sql.exec('insert into taken values (?, ?, ?)', key, at, span)
      }
      return wait
    },
    async hold(key, milliseconds) {
      await memory.hold(key, milliseconds)
      const at = now()
      forgetOld(at)
      sql.exec(
        `insert into held values (?, ?) on conflict do update set until =
          case when until > ? then excluded.until else max(until, excluded.until) end`,
        key,
        at + Math.min(milliseconds, LONGEST_HOLD_MS),
        at + LONGEST_HOLD_MS,
      )
    },
    taken: (key, spanMs) => memory.taken(key, spanMs),
  }
}
