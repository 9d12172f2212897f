/** The PostgreSQL tables. `npm run db:generate` writes changes of this file as the next migration. */
import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  doublePrecision,
  index,
  integer,
  json,
  pgTable,
  pgView,
  primaryKey,
  text,
  uniqueIndex,
} from 'drizzle-orm/pg-core'
import type { JsonObject } from '../../shared/json.ts'
import { uploadEventSources, uploadProtocols, uploadStatuses } from '../../uploads/upload.ts'
import { rowStatuses } from '../row-status.ts'
import { bytes, plain, timestamp, transaction } from './column-types.ts'

/** Represents all creators together. Never a creator's name, which has at least one character. */
export const ALL_CREATORS = ''

/**
 * Reservations and uploads. A row starts as RESERVED, without uid, before the request to Stream. It becomes
 * an upload with Stream's response. RETIRED marks a reservation without a known outcome. `json` columns keep
 * their text as received, with key order and escapes.
 */
export const uploads = pgTable(
  'uploads',
  {
    id: plain('id').primaryKey(),
    protocol: text('protocol', { enum: uploadProtocols }).notNull(),
    creator: plain('creator').notNull(),
    name: plain('name'),
    meta: json('meta').$type<JsonObject>().notNull(),
    maxDurationSeconds: integer('max_duration_seconds').notNull(),
    maxSizeBytes: bytes('max_size_bytes').notNull(),
    allowedOrigins: json('allowed_origins').$type<readonly string[]>().notNull(),
    requireSignedURLs: boolean('require_signed_urls').notNull(),
    scheduledDeletion: timestamp('scheduled_deletion'),
    expiresAt: timestamp('expires_at').notNull(),
    createdAt: timestamp('created_at').notNull(),

    requestedBy: plain('requested_by').notNull(),
    idempotencyKey: plain('idempotency_key'),
    fingerprint: plain('fingerprint').notNull(),
    /** `jti` of the caller's token, if the token limits the number of uploads. */
    tokenId: plain('token_id'),

    uid: plain('uid'),
    uploadURL: plain('upload_url'),
    status: text('status', { enum: rowStatuses }).notNull(),
    version: integer('version').notNull(),
    updatedAt: timestamp('updated_at').notNull(),
    totalBytes: bytes('total_bytes'),
    receivedBytes: bytes('received_bytes'),
    encodingPercent: doublePrecision('encoding_percent'),
    failureCode: plain('failure_code'),
    failureMessage: plain('failure_message'),

    /** Whether Stream has received the file. The video columns are valid only then. */
    received: boolean('received').notNull(),
    durationSeconds: doublePrecision('duration_seconds'),
    width: integer('width'),
    height: integer('height'),
    sizeBytes: bytes('size_bytes'),
    hlsURL: plain('hls_url'),
    dashURL: plain('dash_url'),
    thumbnailURL: plain('thumbnail_url'),
    previewURL: plain('preview_url'),
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

    /** Transaction that wrote this version, set by a trigger. Catch-up queries use it when a NOTIFY was lost. */
    changedIn: transaction('changed_in')
      .notNull()
      .default(sql`pg_current_xact_id()`),
  },
  (table) => [
    // Without reservations, so that a creation writes one entry.
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
    index('uploads_changed')
      .on(table.changedIn)
      .where(sql`${table.uid} is not null`),
  ],
)

/**
 * Changes of the totals, written by triggers and folded into them by maintenance. Writers thus do not wait
 * for the row that all of them would update.
 */
export const uploadTotalDeltas = pgTable(
  'upload_tally_changes',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    creator: plain('creator').notNull(),
    status: text('status', { enum: rowStatuses }).notNull(),
    protocol: text('protocol', { enum: uploadProtocols }).notNull(),
    uploads: bigint('uploads', { mode: 'number' }).notNull(),
    reservedSeconds: bigint('reserved_seconds', { mode: 'number' }).notNull(),
    storedSeconds: bigint('stored_seconds', { mode: 'number' }).notNull(),
  },
  (table) => [index('upload_tally_changes_by_creator').on(table.creator)],
)

/** Row count and total seconds of each creator, status and protocol, and of ALL_CREATORS. */
export const uploadTotals = pgTable(
  'upload_tallies',
  {
    creator: plain('creator').notNull(),
    status: text('status', { enum: rowStatuses }).notNull(),
    protocol: text('protocol', { enum: uploadProtocols }).notNull(),
    uploads: bigint('uploads', { mode: 'number' }).notNull(),
    reservedSeconds: bigint('reserved_seconds', { mode: 'number' }).notNull(),
    storedSeconds: bigint('stored_seconds', { mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.creator, table.status, table.protocol] })],
)

/** Totals plus deltas not folded yet; the sum is always exact. */
export const currentUploadTotals = pgView('upload_counts', {
  creator: plain('creator').notNull(),
  status: text('status', { enum: rowStatuses }).notNull(),
  protocol: text('protocol', { enum: uploadProtocols }).notNull(),
  uploads: bigint('uploads', { mode: 'number' }).notNull(),
  reservedSeconds: bigint('reserved_seconds', { mode: 'number' }).notNull(),
  storedSeconds: bigint('stored_seconds', { mode: 'number' }).notNull(),
}).existing()

/** Status changes of each upload, ordered by version. */
export const uploadEvents = pgTable(
  'upload_events',
  {
    uploadId: plain('upload_id')
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
export const unmatchedWebhooks = pgTable(
  'kept_notices',
  {
    uid: plain('uid').notNull(),
    /** SHA-256 of the body, in hexadecimal: a body may be too long for an index. */
    digest: plain('digest').notNull(),
    body: plain('body').notNull(),
    receivedAt: timestamp('received_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.uid, table.digest] }),
    index('kept_notices_by_age').on(table.receivedAt),
  ],
)

/** Key of the poll leader's lease in `watchLeases`. Never a video's uid, which has at least one character. */
export const POLL_LEADER = ''

/** Watched uploads, each with the gateway that last renewed its lease, and the lease's end. */
export const watchLeases = pgTable('watch_claims', {
  uid: plain('uid').primaryKey(),
  gateway: plain('gateway').notNull(),
  until: timestamp('until').notNull(),
})

/** One row: the gateway that sweeps for orphans, its lease's end, and the time up to which orphans were swept. */
export const sweepLease = pgTable('sweeps', {
  one: boolean('one').primaryKey().default(true),
  gateway: plain('gateway'),
  until: timestamp('until'),
  sweptUntil: timestamp('swept_until'),
})

/**
 * Consumed units of each rate limit in one row: the times, oldest first, and the units at each. Written by the SQL
 * functions `consume_rate_limit`, `give_back_rate_limit` and `admit_reservations`.
 */
export const rateLimits = pgTable('rate_limits', {
  key: plain('key').primaryKey(),
  /** Milliseconds since 1970. */
  times: bigint('times', { mode: 'number' }).array().notNull(),
  units: integer('units').array().notNull(),
})

/** Empty: the previous version stored one row per key and time here, and reads it during an upgrade. */
export const rateLimitHits = pgTable(
  'allowances',
  {
    key: plain('key').notNull(),
    /** Milliseconds since 1970. */
    at: bigint('at', { mode: 'number' }).notNull(),
    uses: integer('uses').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.key, table.at] }),
    index('allowances_by_age').on(table.at),
  ],
)

/** Blocked keys, until `until`. */
export const rateLimitBlocks = pgTable('allowance_holds', {
  key: plain('key').primaryKey(),
  until: timestamp('until').notNull(),
})

/** One row: the deployment id, which marks this gateway's uploads at Stream, and their Stream account. */
export const deployments = pgTable('deployments', {
  one: boolean('one').primaryKey().default(true),
  id: plain('id').notNull(),
  account: plain('account'),
})
