/** Copies the notices that wait for their videos to become known. */
import { createHash } from 'node:crypto'
import { and, asc, eq, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { keptNotices } from '../postgres/tables.ts'
import { noticeColumns } from './copied-columns.ts'
import type { UploadSource } from './sqlite-source.ts'
import { namesOf, unnestRows } from './unnest-rows.ts'

/** Notices are longer than rows. */
const NOTICES_A_BATCH = 200

/** @param removeGone whether to remove those that the source does not keep any more */
export async function copyNotices(
  db: NodePgDatabase,
  source: UploadSource,
  removeGone: boolean,
): Promise<void> {
  const kept = new Set<string>()
  let place = 0
  for (;;) {
    const notices = source.noticesAfter(place, NOTICES_A_BATCH)
    const last = notices.at(-1)
    if (last === undefined) break
    const rows = notices.map(({ uid, body, receivedAt }) => ({
      uid,
      digest: createHash('sha256').update(body).digest('hex'),
      body,
      receivedAt,
    }))
    await db.execute(sql`
      insert into ${keptNotices} (${namesOf(noticeColumns)})
      select * from ${unnestRows(noticeColumns, rows)} on conflict do nothing`)
    for (const { uid, digest } of rows) kept.add(`${digest} ${uid}`)
    place = last.place
  }
  if (removeGone) await removeOthers(db, kept)
}

async function removeOthers(db: NodePgDatabase, kept: ReadonlySet<string>): Promise<void> {
  const { uid, digest } = keptNotices
  let from = { uid: '', digest: '' }
  for (;;) {
    const notices = await db
      .select({ uid, digest })
      .from(keptNotices)
      .where(sql`(${uid}, ${digest}) > (${from.uid}, ${from.digest})`)
      .orderBy(asc(uid), asc(digest))
      .limit(NOTICES_A_BATCH)
    const last = notices.at(-1)
    if (last === undefined) return
    for (const notice of notices) {
      if (kept.has(`${notice.digest} ${notice.uid}`)) continue
      await db.delete(keptNotices).where(and(eq(uid, notice.uid), eq(digest, notice.digest)))
    }
    from = last
  }
}
