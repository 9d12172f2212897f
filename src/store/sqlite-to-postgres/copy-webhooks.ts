/** Copies unmatched webhooks. */
import { createHash } from 'node:crypto'
import { and, asc, eq, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { unmatchedWebhooks } from '../postgres/tables.ts'
import { webhookColumns } from './copied-columns.ts'
import type { UploadSource } from './sqlite-source.ts'
import { columnNames, unnestRows } from './unnest-rows.ts'

/** Smaller than for uploads, because webhook bodies are longer than rows. */
const WEBHOOKS_PER_BATCH = 200

/** @param deleteMissing whether to delete webhooks that the source no longer has */
export async function copyUnmatchedWebhooks(
  db: NodePgDatabase,
  source: UploadSource,
  deleteMissing: boolean,
): Promise<void> {
  const copied = new Set<string>()
  let after = 0
  for (;;) {
    const webhooks = source.webhooksAfter(after, WEBHOOKS_PER_BATCH)
    const last = webhooks.at(-1)
    if (last === undefined) break
    const rows = webhooks.map(({ uid, body, receivedAt }) => ({
      uid,
      digest: createHash('sha256').update(body).digest('hex'),
      body,
      receivedAt,
    }))
    await db.execute(sql`
      insert into ${unmatchedWebhooks} (${columnNames(webhookColumns)})
      select * from ${unnestRows(webhookColumns, rows)} on conflict do nothing`)
    for (const { uid, digest } of rows) copied.add(`${digest} ${uid}`)
    after = last.rowid
  }
  if (deleteMissing) await deleteOthers(db, copied)
}

async function deleteOthers(db: NodePgDatabase, copied: ReadonlySet<string>): Promise<void> {
  const { uid, digest } = unmatchedWebhooks
  let from = { uid: '', digest: '' }
  for (;;) {
    const webhooks = await db
      .select({ uid, digest })
      .from(unmatchedWebhooks)
      .where(sql`(${uid}, ${digest}) > (${from.uid}, ${from.digest})`)
      .orderBy(asc(uid), asc(digest))
      .limit(WEBHOOKS_PER_BATCH)
    const last = webhooks.at(-1)
    if (last === undefined) return
    for (const webhook of webhooks) {
      if (copied.has(`${webhook.digest} ${webhook.uid}`)) continue
      await db
        .delete(unmatchedWebhooks)
        .where(and(eq(uid, webhook.uid), eq(digest, webhook.digest)))
    }
    from = last
  }
}
