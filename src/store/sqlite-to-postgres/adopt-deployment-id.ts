/** Gives the target the name by which the source knows its own uploads at Stream, and their account there. */
import { eq, notExists, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { deployments, uploads } from '../postgres/tables.ts'

/**
 * A database without a row takes the name, whatever its own was. Returns the name that it has now: another
 * where it holds what is another deployment's.
 */
export async function takeName(
  db: NodePgDatabase,
  { name, account }: { readonly name: string; readonly account: string | null },
): Promise<string> {
  await db.insert(deployments).values({ id: name, account }).onConflictDoNothing()
  await db
    .update(deployments)
    .set({ id: name, account })
    .where(notExists(db.select({ one: sql`1` }).from(uploads)))
  const [known] = await db
    .select({ id: deployments.id })
    .from(deployments)
    .where(eq(deployments.one, true))
  if (known === undefined) throw new Error('The database has lost its name.')
  return known.id
}
