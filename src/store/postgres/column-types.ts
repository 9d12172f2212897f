/** Column types of the PostgreSQL tables. */
import { bigint, customType } from 'drizzle-orm/pg-core'
import { replaceNul } from '../../postgres/replace-nul.ts'

/** Text in byte order, regardless of the database's collation. */
export const plain = customType<{ data: string; driverData: string }>({
  dataType: () => 'text collate "C"',
  toDriver: replaceNul,
})

/** The range of dates that PostgreSQL returns as written. Dates outside are clamped. */
const EARLIEST = Date.parse('0001-01-01T00:00:00.000Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')
export const timestamp = customType<{ data: Date; driverData: string }>({
  dataType: () => 'timestamp (3) with time zone',
  toDriver: (value) =>
    new Date(Math.min(LATEST, Math.max(EARLIEST, value.getTime()))).toISOString(),
  fromDriver: (value) => new Date(value),
})
export const bytes = (name: string) => bigint(name, { mode: 'number' })

/** Transaction id, never reused. Read and compared by PostgreSQL only. */
export const transaction = customType<{ data: string }>({ dataType: () => 'xid8' })
