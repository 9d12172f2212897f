/** Checks that a database is migrated, and reads its deployment id. */
import { text } from '../sqlite/column-values.ts'
import { type D1Client, type Query, bindQuery } from './d1-client.ts'
import { isSchemaMissing } from './errors.ts'
import { schemaChecks, statements, triggersAndIndexes } from './statements.ts'

/**
 * Triggers that update the totals and delete events of callbacks, and the newest indexes. A database without them
 * works, but totals are wrong, events stay, and lists read (and D1 bills) whole tables.
 */
const REQUIRED = [
  'upload_added',
  'upload_changed',
  'upload_moved',
  'upload_removed',
  'uploads_by_uid',
  'uploads_listed_by_creator',
  'uploads_listed_by_age',
  'uploads_by_token',
  'callback_deliveries_due',
  'callback_delivery_removed',
]

/**
 * Returns the deployment id, which marks this database's uploads at Stream; created on first use. Throws if a
 * migration is pending. Workers do not migrate, because many may start at once.
 */
export async function openDeployment(client: D1Client): Promise<string> {
  const id = crypto.randomUUID().slice(0, 8)
  const queries: Query[] = [
    bindQuery(triggersAndIndexes, {}),
    ...schemaChecks.map((definition) => bindQuery(definition, {})),
    bindQuery(statements.nameDeployment, { id }),
    bindQuery(statements.deployment, {}),
  ]
  const results = await client.batch(queries).catch((error: unknown) => {
    throw isSchemaMissing(error) ? notMigratedError(error) : error
  })
  const existing = new Set((results[0] ?? []).map(([name]) => name))
  const missing = REQUIRED.filter((name) => !existing.has(name))
  if (missing.length > 0)
    throw notMigratedError(new Error(`Missing in the schema: ${missing.join(', ')}.`))
  return text(results.at(-1)?.[0]?.[0])
}

function notMigratedError(cause: unknown): Error {
  return new Error(
    'The D1 database has pending migrations. Apply migrations/sqlite with `wrangler d1 migrations apply`.',
    { cause },
  )
}
