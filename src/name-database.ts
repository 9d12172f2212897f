/** How a database is called in sentences for people: without what is secret of its address. */
import type { DatabaseConfig } from './config/node-config.ts'

/** A path, or `postgres://host:5432/name`. */
export function nameDatabase(database: DatabaseConfig): string {
  if (database.kind === 'sqlite') return database.file
  const { hostname, port, pathname } = new URL(database.url)
  return `postgres://${hostname}${port === '' ? '' : `:${port}`}${pathname}`
}
