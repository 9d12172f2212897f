/** Writes the source's deployment id and Stream account into the target. */
import { eq, notExists, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { deployments, uploads } from '../postgres/tables.ts'

/**
 * A target without uploads or reservations adopts the id, replacing its own. Returns the target's id
 * afterwards: a different one if it holds rows of another deployment.
 */
export async function adoptDeploymentId(
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
  if (known === undefined) throw new Error('The deployment id is missing from the database.')
  return known.id
}
