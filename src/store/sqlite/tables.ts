/** The SQLite tables. `npm run db:generate` writes what changes here as the next migration. */
import { sql } from 'drizzle-orm'
import {
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core'
import type { JsonObject } from '../../shared/json.ts'
import { uploadEventSources, uploadProtocols, uploadStatuses } from '../../uploads/upload.ts'
import { rowStatuses } from '../row-status.ts'

const moment = (name: string) => integer(name, { mode: 'timestamp_ms' })

/**
 * Reservations and uploads in one table: a row begins as RESERVED, without uid, before Stream is
 * asked, and becomes an upload when Stream has answered. RETIRED is a reservation that was given up
 * without an answer.
 */
export const uploads = sqliteTable(
  'uploads',
  {
    id: text('id').primaryKey(),
    protocol: text('protocol', { enum: uploadProtocols }).notNull(),
    creator: text('creator').notNull(),
    name: text('name'),
    meta: text('meta', { mode: 'json' }).$type<JsonObject>().notNull(),
    maxDurationSeconds: integer('max_duration_seconds').notNull(),
    maxSizeBytes: integer('max_size_bytes').notNull(),
    allowedOrigins: text('allowed_origins', { mode: 'json' }).$type<readonly string[]>().notNull(),
    requireSignedURLs: integer('require_signed_urls', { mode: 'boolean' }).notNull(),
    scheduledDeletion: moment('scheduled_deletion'),
    expiresAt: moment('expires_at').notNull(),
    createdAt: moment('created_at').notNull(),

    requestedBy: text('requested_by').notNull(),
    idempotencyKey: text('idempotency_key'),
    fingerprint: text('fingerprint').notNull(),

    uid: text('uid'),
    uploadURL: text('upload_url'),
    status: text('status', { enum: rowStatuses }).notNull(),
    version: integer('version').notNull(),
    updatedAt: moment('updated_at').notNull(),
    totalBytes: integer('total_bytes'),
    receivedBytes: integer('received_bytes'),
    encodingPercent: real('encoding_percent'),
    failureCode: text('failure_code'),
    failureMessage: text('failure_message'),

    /** Whether Stream has received the file: only then do the columns of the video mean anything. */
    received: integer('received', { mode: 'boolean' }).notNull(),
    durationSeconds: real('duration_seconds'),
    width: integer('width'),
    height: integer('height'),
    sizeBytes: integer('size_bytes'),
    hlsURL: text('hls_url'),
    dashURL: text('dash_url'),
    thumbnailURL: text('thumbnail_url'),
    previewURL: text('preview_url'),
    readyAt: moment('ready_at'),
    describedAt: moment('described_at'),
    goneAt: moment('gone_at'),
    deletedAt: moment('deleted_at'),
    /** Noted where the status is DELETED only: else it is the status itself. */
    seenStatus: text('seen_status', { enum: uploadStatuses }),

    /** Seconds of storage that the row holds, kept with each write so that sums need no rules. */
    reservedSeconds: integer('reserved_seconds').notNull(),
    storedSeconds: integer('stored_seconds').notNull(),

    /** When synchronisation asks next; null for never. */
    checkAt: moment('check_at'),
    idleChecks: integer('idle_checks').notNull(),
    missingChecks: integer('missing_checks').notNull().default(0),
  },
  (table) => [
    uniqueIndex('uploads_uid').on(table.uid),
    uniqueIndex('uploads_key')
      .on(table.requestedBy, table.idempotencyKey)
      .where(sql`${table.idempotencyKey} is not null`),
    // Lists and counts read uploads only: reservations, which may be many while Stream is away, are not
    // in these indexes, and none of them is read on the way to an upload.
    index('uploads_by_creator')
      .on(table.creator, table.createdAt, table.id)
      .where(sql`${table.uid} is not null`),
    index('uploads_by_age')
      .on(table.createdAt, table.id)
      .where(sql`${table.uid} is not null`),
    index('uploads_by_creator_status')
      .on(table.creator, table.status, table.protocol, table.createdAt, table.id)
      .where(sql`${table.uid} is not null`),
    index('uploads_by_status')
      .on(table.status, table.protocol, table.createdAt, table.id)
      .where(sql`${table.uid} is not null`),
    index('uploads_due')
      .on(table.checkAt)
      .where(sql`${table.checkAt} is not null`),
    index('uploads_unsettled')
      .on(table.createdAt)
      .where(sql`${table.status} = 'RESERVED'`),
    index('uploads_retired')
      .on(table.createdAt)
      .where(sql`${table.status} = 'RETIRED'`),
  ],
)

/** Stands for all creators together. No creator's name: those have a character at least. */
export const EVERYBODY = ''

/**
 * How many rows each creator has of a kind, and what those hold together; the same for EVERYBODY.
 * Kept true by triggers on the uploads, whoever writes them, so that nothing is ever added up.
 */
export const uploadTallies = sqliteTable(
  'upload_tallies',
  {
    creator: text('creator').notNull(),
    status: text('status', { enum: rowStatuses }).notNull(),
    protocol: text('protocol', { enum: uploadProtocols }).notNull(),
    uploads: integer('uploads').notNull(),
    reservedSeconds: integer('reserved_seconds').notNull(),
    storedSeconds: integer('stored_seconds').notNull(),
  },
  (table) => [primaryKey({ columns: [table.creator, table.status, table.protocol] })],
)

/** Each recorded change of status, oldest first by version. */
export const uploadEvents = sqliteTable(
  'upload_events',
  {
    uploadId: text('upload_id')
      .notNull()
      .references(() => uploads.id),
    version: integer('version').notNull(),
    status: text('status', { enum: uploadStatuses }).notNull(),
    source: text('source', { enum: uploadEventSources }).notNull(),
    at: moment('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.uploadId, table.version] })],
)

/** Notices about videos that are not known (yet), as they came. */
export const keptNotices = sqliteTable(
  'kept_notices',
  {
    uid: text('uid').notNull(),
    body: text('body').notNull(),
    receivedAt: moment('received_at').notNull(),
  },
  (table) => [
    uniqueIndex('kept_notices_once').on(table.uid, table.body),
    index('kept_notices_by_age').on(table.receivedAt),
  ],
)

/** One row: the name by which this gateway knows its own uploads at Stream, and their account there. */
export const deployments = sqliteTable('deployments', {
  id: text('id').primaryKey(),
  account: text('account'),
})
