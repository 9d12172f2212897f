/** The SQLite tables. `npm run db:generate` writes changes of this file as the next migration. */
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
import { callbackTypes } from '../../uploads/callbacks/callback-type.ts'
import { deliveryStates } from '../../uploads/ports/callback-store.ts'
import { uploadEventSources, uploadProtocols, uploadStatuses } from '../../uploads/upload.ts'
import { rowStatuses } from '../row-status.ts'

const timestamp = (name: string) => integer(name, { mode: 'timestamp_ms' })

/**
 * Reservations and uploads. A row starts as RESERVED, without uid, before the request to Stream. It becomes
 * an upload with Stream's response. RETIRED marks a reservation without a known outcome.
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
    scheduledDeletion: timestamp('scheduled_deletion'),
    expiresAt: timestamp('expires_at').notNull(),
    createdAt: timestamp('created_at').notNull(),

    requestedBy: text('requested_by').notNull(),
    idempotencyKey: text('idempotency_key'),
    fingerprint: text('fingerprint').notNull(),
    /** `jti` of the caller's token, if the token limits the number of uploads. */
    tokenId: text('token_id'),

    uid: text('uid'),
    uploadURL: text('upload_url'),
    status: text('status', { enum: rowStatuses }).notNull(),
    version: integer('version').notNull(),
    updatedAt: timestamp('updated_at').notNull(),
    totalBytes: integer('total_bytes'),
    receivedBytes: integer('received_bytes'),
    encodingPercent: real('encoding_percent'),
    failureCode: text('failure_code'),
    failureMessage: text('failure_message'),

    /** Whether Stream has received the file. The video columns are valid only then. */
    received: integer('received', { mode: 'boolean' }).notNull(),
    durationSeconds: real('duration_seconds'),
    width: integer('width'),
    height: integer('height'),
    sizeBytes: integer('size_bytes'),
    hlsURL: text('hls_url'),
    dashURL: text('dash_url'),
    thumbnailURL: text('thumbnail_url'),
    previewURL: text('preview_url'),
    readyAt: timestamp('ready_at'),
    describedAt: timestamp('described_at'),
    settingsAt: timestamp('settings_at'),
    goneAt: timestamp('gone_at'),
    deletedAt: timestamp('deleted_at'),
    /** Stored for DELETED uploads only; otherwise the status itself. */
    seenStatus: text('seen_status', { enum: uploadStatuses }),

    /** Seconds of storage that the row counts for, written with each change so that sums need no rules. */
    reservedSeconds: integer('reserved_seconds').notNull(),
    storedSeconds: integer('stored_seconds').notNull(),

    /** Time of the next poll; null for never. */
    checkAt: timestamp('check_at'),
    idleChecks: integer('idle_checks').notNull(),
    missingChecks: integer('missing_checks').notNull().default(0),

    /** End of the lease under which a gateway changes the upload at Stream; null if there is none. */
    changeUntil: timestamp('change_until'),
  },
  (table) => [
    // Without reservations, so that a creation writes one entry and deletes none.
    uniqueIndex('uploads_by_uid')
      .on(table.uid)
      .where(sql`${table.uid} is not null`),
    uniqueIndex('uploads_key')
      .on(table.requestedBy, table.idempotencyKey)
      .where(sql`${table.idempotencyKey} is not null`),
    // Lists and counts read uploads only. These indexes exclude reservations, which may be many while Stream
    // is unavailable.
    // For lists that leave deleted uploads out, however many there are.
    index('uploads_listed_by_creator')
      .on(table.creator, table.createdAt, table.id)
      .where(sql`${table.uid} is not null and ${table.status} <> 'DELETED'`),
    index('uploads_listed_by_age')
      .on(table.createdAt, table.id)
      .where(sql`${table.uid} is not null and ${table.status} <> 'DELETED'`),
    index('uploads_by_creator_status')
      .on(table.creator, table.status, table.protocol, table.createdAt, table.id)
      .where(sql`${table.uid} is not null`),
    index('uploads_by_status')
      .on(table.status, table.protocol, table.createdAt, table.id)
      .where(sql`${table.uid} is not null`),
    // Uploads and reservations of one token, which are few.
    index('uploads_by_token')
      .on(table.tokenId)
      .where(sql`${table.tokenId} is not null`),
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

/** Represents all creators together. Never a creator's name, which has at least one character. */
export const ALL_CREATORS = ''

/**
 * Number of uploads and total seconds of each creator, status and protocol, and of ALL_CREATORS. Triggers on
 * `uploads` update them with every write, so that no query sums up uploads. The seconds of a reservation are those
 * of PENDING_UPLOAD, so that a mint changes two rows; reservations themselves are not counted.
 */
export const uploadTotals = sqliteTable(
  'upload_tallies',
  {
    creator: text('creator').notNull(),
    status: text('status', { enum: uploadStatuses }).notNull(),
    protocol: text('protocol', { enum: uploadProtocols }).notNull(),
    uploads: integer('uploads').notNull(),
    reservedSeconds: integer('reserved_seconds').notNull(),
    storedSeconds: integer('stored_seconds').notNull(),
  },
  (table) => [primaryKey({ columns: [table.creator, table.status, table.protocol] })],
)

/** Status changes of each upload, ordered by version. */
export const uploadEvents = sqliteTable(
  'upload_events',
  {
    uploadId: text('upload_id')
      .notNull()
      .references(() => uploads.id),
    version: integer('version').notNull(),
    status: text('status', { enum: uploadStatuses }).notNull(),
    source: text('source', { enum: uploadEventSources }).notNull(),
    at: timestamp('at').notNull(),
  },
  (table) => [primaryKey({ columns: [table.uploadId, table.version] })],
)

/** Unmatched webhooks: bodies received before any upload had their uid. */
export const unmatchedWebhooks = sqliteTable(
  'kept_notices',
  {
    uid: text('uid').notNull(),
    body: text('body').notNull(),
    receivedAt: timestamp('received_at').notNull(),
  },
  (table) => [
    uniqueIndex('kept_notices_once').on(table.uid, table.body),
    index('kept_notices_by_age').on(table.receivedAt),
  ],
)

/** The outbox: events for the application, each recorded in the transaction of its change. */
export const callbackEvents = sqliteTable('callback_events', {
  id: text('id').primaryKey(),
  uploadId: text('upload_id').notNull(),
  version: integer('version').notNull(),
  type: text('type', { enum: callbackTypes }).notNull(),
  at: timestamp('at').notNull(),
  body: text('body').notNull(),
})

/**
 * One delivery per event and target. Of the waiting deliveries of an upload to a target, one has `dueAt`: usually
 * the oldest.
 */
export const callbackDeliveries = sqliteTable(
  'callback_deliveries',
  {
    uploadId: text('upload_id').notNull(),
    target: text('target').notNull(),
    version: integer('version').notNull(),
    eventId: text('event_id').notNull(),
    /** Time of the event. */
    at: timestamp('at').notNull(),
    state: text('state', { enum: deliveryStates }).notNull(),
    attempts: integer('attempts').notNull(),
    /** Next attempt, or the end of the claim under which one is made; null if none is due. */
    dueAt: timestamp('due_at'),
    lastStatus: integer('last_status'),
    lastError: text('last_error'),
    /** When it was delivered or dead; null while it waits. */
    doneAt: timestamp('done_at'),
  },
  (table) => [
    primaryKey({ columns: [table.uploadId, table.target, table.version] }),
    index('callback_deliveries_due')
      .on(table.target, table.dueAt)
      .where(sql`${table.dueAt} is not null`),
    index('callback_deliveries_waiting')
      .on(table.target, table.at)
      .where(sql`${table.state} = 'waiting'`),
    index('callback_deliveries_dead')
      .on(table.target)
      .where(sql`${table.state} = 'dead'`),
    index('callback_deliveries_done')
      .on(table.state, table.doneAt)
      .where(sql`${table.doneAt} is not null`),
  ],
)

/** One row: the deployment id, which marks this gateway's uploads at Stream, and their Stream account. */
export const deployments = sqliteTable('deployments', {
  id: text('id').primaryKey(),
  account: text('account'),
})
