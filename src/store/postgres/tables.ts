/** The PostgreSQL tables. `npm run db:generate` writes what changes here as the next migration. */
import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  customType,
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
import { storable } from '../../postgres/replace-nul.ts'
import type { JsonObject } from '../../shared/json.ts'
import { uploadEventSources, uploadProtocols, uploadStatuses } from '../../uploads/upload.ts'
import { rowStatuses } from '../row-status.ts'

/** Text in the order of its bytes, whatever the database's own order is. */
const plain = customType<{ data: string; driverData: string }>({
  dataType: () => 'text collate "C"',
  toDriver: storable,
})

/** Those that PostgreSQL reads back as they were written; what anybody asks for beyond is as far away. */
const EARLIEST = Date.parse('0001-01-01T00:00:00.000Z')
const LATEST = Date.parse('9999-12-31T23:59:59.999Z')
const moment = customType<{ data: Date; driverData: string }>({
  dataType: () => 'timestamp (3) with time zone',
  toDriver: (value) =>
    new Date(Math.min(LATEST, Math.max(EARLIEST, value.getTime()))).toISOString(),
  fromDriver: (value) => new Date(value),
})
const bytes = (name: string) => bigint(name, { mode: 'number' })

/** A transaction's number, which is never used twice. Read and compared by PostgreSQL only. */
const transaction = customType<{ data: string }>({ dataType: () => 'xid8' })

/** Stands for all creators together. No creator's name: those have a character at least. */
export const EVERYBODY = ''

/**
 * Reservations and uploads in one table: a row begins as RESERVED, without uid, before Stream is
 * asked, and becomes an upload when Stream has answered. RETIRED is a reservation that was given up
 * without an answer. JSON is kept as it came, with its order and its escapes.
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
    scheduledDeletion: moment('scheduled_deletion'),
    expiresAt: moment('expires_at').notNull(),
    createdAt: moment('created_at').notNull(),

    requestedBy: plain('requested_by').notNull(),
    idempotencyKey: plain('idempotency_key'),
    fingerprint: plain('fingerprint').notNull(),

    uid: plain('uid'),
    uploadURL: plain('upload_url'),
    status: text('status', { enum: rowStatuses }).notNull(),
    version: integer('version').notNull(),
    updatedAt: moment('updated_at').notNull(),
    totalBytes: bytes('total_bytes'),
    receivedBytes: bytes('received_bytes'),
    encodingPercent: doublePrecision('encoding_percent'),
    failureCode: plain('failure_code'),
    failureMessage: plain('failure_message'),

    /** Whether Stream has received the file: only then do the columns of the video mean anything. */
    received: boolean('received').notNull(),
    durationSeconds: doublePrecision('duration_seconds'),
    width: integer('width'),
    height: integer('height'),
    sizeBytes: bytes('size_bytes'),
    hlsURL: plain('hls_url'),
    dashURL: plain('dash_url'),
    thumbnailURL: plain('thumbnail_url'),
    previewURL: plain('preview_url'),
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

    /** The transaction that recorded this version, set by a trigger: whoever missed a notice finds it. */
    changedIn: transaction('changed_in')
      .notNull()
      .default(sql`pg_current_xact_id()`),
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
    index('uploads_changed')
      .on(table.changedIn)
      .where(sql`${table.uid} is not null`),
  ],
)

/**
 * What each change of an upload added to the tallies and took from them, written by triggers and
 * folded into the tallies now and then: nobody who writes waits for the row that all have in common.
 */
export const uploadTallyChanges = pgTable(
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

/** How many rows each creator has of a kind, and what those hold together; the same for EVERYBODY. */
export const uploadTallies = pgTable(
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

/** Tallies and what is not folded into them yet: their sum is exact at every moment. */
export const uploadCounts = pgView('upload_counts', {
  creator: plain('creator').notNull(),
  status: text('status', { enum: rowStatuses }).notNull(),
  protocol: text('protocol', { enum: uploadProtocols }).notNull(),
  uploads: bigint('uploads', { mode: 'number' }).notNull(),
  reservedSeconds: bigint('reserved_seconds', { mode: 'number' }).notNull(),
  storedSeconds: bigint('stored_seconds', { mode: 'number' }).notNull(),
}).existing()

/** Each recorded change of status, oldest first by version. */
export const uploadEvents = pgTable(
  'upload_events',
  {
    uploadId: plain('upload_id')
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
export const keptNotices = pgTable(
  'kept_notices',
  {
    uid: plain('uid').notNull(),
    /** SHA-256 of the body, in hexadecimal: a body may be longer than what an index takes. */
    digest: plain('digest').notNull(),
    body: plain('body').notNull(),
    receivedAt: moment('received_at').notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.uid, table.digest] }),
    index('kept_notices_by_age').on(table.receivedAt),
  ],
)

/** Among what is watched, the turn to ask Stream about all of it. No video's uid: those have characters. */
export const TURN_TO_ASK = ''

/** What somebody watches, by the gateway that said so last, and until when that counts. */
export const watchClaims = pgTable('watch_claims', {
  uid: plain('uid').primaryKey(),
  gateway: plain('gateway').notNull(),
  until: moment('until').notNull(),
})

/** One row: which gateway sweeps for orphans, and up to when they were swept. */
export const sweeps = pgTable('sweeps', {
  one: boolean('one').primaryKey().default(true),
  gateway: plain('gateway'),
  until: moment('until'),
  sweptUntil: moment('swept_until'),
})

/** Who did how much lately, by key and moment; see the function `take_allowance`. */
export const allowances = pgTable(
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

/** Keys of which nothing may be taken until then. */
export const allowanceHolds = pgTable('allowance_holds', {
  key: plain('key').primaryKey(),
  until: moment('until').notNull(),
})

/** One row: the name by which this gateway knows its own uploads at Stream, and their account there. */
export const deployments = pgTable('deployments', {
  one: boolean('one').primaryKey().default(true),
  id: plain('id').notNull(),
  account: plain('account'),
})
