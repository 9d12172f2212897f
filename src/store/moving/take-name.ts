/** Gives the target the name by which the source knows its own uploads at Stream. */
import { eq, notExists, sql } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { deployments, uploads } from '../postgres/tables.ts'

/**
 * A database without a row takes the name, whatever its own was. Returns the name that it has now: another
 * where it holds what is another deployment's.
 */
export async function takeName(db: NodePgDatabase, name: string): Promise<string> {
  await db.insert(deployments).values({ id: name }).onConflictDoNothing()
  await db
    .update(deployments)
    .set({ id: name })
    .where(notExists(db.select({ one: sql`1` }).from(uploads)))
  const [known] = await db.select().from(deployments).where(eq(deployments.one, true))
  if (known === undefined) throw new Error('The database has lost its name.')
  return known.id
}
