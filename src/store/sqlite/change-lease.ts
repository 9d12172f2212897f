/** The lease under which one gateway at a time changes an upload at Stream. */
import { and, eq, sql } from 'drizzle-orm'
import { type NamedParam, type Values, db } from './define-statement.ts'
import { uploads } from './tables.ts'

export const changeLeaseParams = ['uid', 'now', 'until', 'ahead'] as const

/** Acquires the lease unless another change holds it. A lease that ends after `ahead` was written by a wrong clock. */
export function changeLeaseStatement(param: NamedParam<(typeof changeLeaseParams)[number]>) {
  return db
    .update(uploads)
    .set({
      changeUntil: sql`${param('until')}`,
      checkAt: sql`min(coalesce(${uploads.checkAt}, ${param('until')}), ${param('until')})`,
    })
    .where(
      and(
        eq(uploads.uid, param('uid')),
        sql`(${uploads.changeUntil} is null or ${uploads.changeUntil} <= ${param('now')} or ${uploads.changeUntil} > ${param('ahead')})`,
      ),
    )
}

/** Returns the values of these parameters. */
export function changeLeaseValues(
  uid: string,
  now: Date,
  until: Date,
): Values<(typeof changeLeaseParams)[number]> {
  const [at, end] = [now.getTime(), until.getTime()]
  return { uid, now: at, until: end, ahead: end + (end - at) }
}

export function releaseChangeLeaseStatement(param: NamedParam<'uid' | 'until'>) {
  return db
    .update(uploads)
    .set({ changeUntil: null })
    .where(and(eq(uploads.uid, param('uid')), sql`${uploads.changeUntil} = ${param('until')}`))
}
