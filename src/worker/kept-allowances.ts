/**
 * Allowances that outlive the sleep of the object that keeps them: in memory as everywhere, and each
 * written down, so that they are remembered when it wakes.
 */
import type { Allowances } from '../allowances/allowances.ts'
import { createMemoryAllowances } from '../allowances/memory.ts'
import type { ObjectStorage } from './runtime.ts'

/** So often what is over is removed, in milliseconds. */
const SWEEP_MS = 60_000

const TABLES = [
  'create table if not exists taken (key text not null, at integer not null, span integer not null) strict',
  'create table if not exists held (key text primary key, until integer not null) strict',
]

/** Resolves once all that was written down is remembered. */
export async function openKeptAllowances({ sql }: Pick<ObjectStorage, 'sql'>): Promise<Allowances> {
  const memory = createMemoryAllowances()
  let sweptAt = 0
  for (const table of TABLES) sql.exec(table)
  for (const { key, at, span } of sql.exec('select * from taken order by rowid').toArray()) {
    if (typeof key !== 'string' || typeof at !== 'number' || typeof span !== 'number') continue
    // It was taken: there was room for it then.
    const within = [{ most: Number.MAX_SAFE_INTEGER, spanMs: span }]
    await memory.take(key, within, new Date(at))
  }
  for (const { key, until } of sql.exec('select * from held').toArray()) {
    if (typeof key === 'string' && typeof until === 'number') {
      await memory.hold(key, new Date(until))
    }
  }

  function forgetOld(now: number): void {
    if (Math.abs(now - sweptAt) < SWEEP_MS) return
    sweptAt = now
    sql.exec('delete from taken where at + span < ?', now)
    sql.exec('delete from held where until < ?', now)
  }

  return {
    async take(key, within, now) {
      const wait = await memory.take(key, within, now)
      if (wait === null && within.length > 0) {
        const span = Math.max(...within.map(({ spanMs }) => spanMs))
        forgetOld(now.getTime())
        sql.exec('insert into taken values (?, ?, ?)', key, now.getTime(), span)
      }
      return wait
    },
    async hold(key, until) {
      await memory.hold(key, until)
      sql.exec(
        'insert into held values (?, ?) on conflict do update set until = max(until, excluded.until)',
        key,
        until.getTime(),
      )
    },
    taken: (key, spanMs, now) => memory.taken(key, spanMs, now),
  }
}
