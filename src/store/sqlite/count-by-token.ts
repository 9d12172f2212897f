/** Counts the uploads of a token that limits their number. Shared by the SQLite and D1 adapters. */
import { and, eq, sql } from 'drizzle-orm'
import { type NamedParam, db } from './define-statement.ts'
import { uploads } from './tables.ts'

/** Uploads and pending reservations. Nothing was minted for a retired one. */
export function countByTokenStatement<Name extends string>(param: NamedParam<Name | 'tokenId'>) {
  return db
    .select({ count: sql`count(*)` })
    .from(uploads)
    .where(and(eq(uploads.tokenId, param('tokenId')), sql`${uploads.status} <> 'RETIRED'`))
}
