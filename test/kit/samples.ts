/** Complete default values of domain types; a test overrides only the fields it is about. */
import type { Reservation } from '../../src/uploads/ports/upload-store.ts'
import type { StreamVideo } from '../../src/uploads/ports/stream-api.ts'
import type { UploadRequest } from '../../src/uploads/create/upload-request.ts'
import { type Upload, type UploadConstraints, observedStatusIn } from '../../src/uploads/upload.ts'

/** Creation time of every sample. Samples expire half an hour later. */
export const CREATED_AT = new Date('2026-03-01T12:00:00.123Z')
export const EXPIRES_AT = new Date('2026-03-01T12:30:00.123Z')

/** Returns the time so many seconds after CREATED_AT. */
export function after(seconds: number): Date {
  return new Date(CREATED_AT.getTime() + seconds * 1000)
}

const constraints: UploadConstraints = {
  maxDurationSeconds: 600,
  maxSizeBytes: 200_000_000,
  allowedOrigins: [],
  requireSignedURLs: false,
  scheduledDeletion: null,
}

export function uploadOf(overrides: Partial<Upload> = {}): Upload {
  return {
    id: 'reference',
    uid: '0123456789abcdef0123456789abcdef',
    uploadURL: 'https://upload.example.com/0123456789abcdef0123456789abcdef',
    protocol: 'BASIC',
    creator: 'alice',
    name: null,
    meta: {},
    constraints,
    expiresAt: EXPIRES_AT,
    createdAt: CREATED_AT,
    status: 'PENDING_UPLOAD',
    version: 1,
    updatedAt: CREATED_AT,
    progress: { totalBytes: null, receivedBytes: null, encodingPercent: null },
    failure: null,
    video: null,
    describedAt: null,
    settingsAt: null,
    goneAt: null,
    deletedAt: null,
    seenStatus: observedStatusIn(overrides.status ?? 'PENDING_UPLOAD', null, false, null),
    ...overrides,
  }
}

export function reservationOf(overrides: Partial<Reservation> = {}): Reservation {
  return {
    id: 'reference',
    protocol: 'BASIC',
    creator: 'alice',
    name: null,
    meta: {},
    constraints,
    expiresAt: EXPIRES_AT,
    createdAt: CREATED_AT,
    totalBytes: null,
    idempotencyKey: null,
    fingerprint: 'fingerprint',
    requestedBy: 'alice',
    ...overrides,
  }
}

/** A video at Stream without known properties. */
export function videoOf(overrides: Partial<StreamVideo> = {}): StreamVideo {
  return {
    uid: '0123456789abcdef0123456789abcdef',
    state: 'pendingupload',
    encodingPercent: null,
    readyToStream: false,
    readyAt: null,
    failure: null,
    sizeBytes: null,
    durationSeconds: null,
    width: null,
    height: null,
    hlsURL: null,
    dashURL: null,
    thumbnailURL: null,
    previewURL: null,
    creator: 'alice',
    meta: {},
    maxDurationSeconds: 600,
    allowedOrigins: null,
    requireSignedURLs: null,
    scheduledDeletion: undefined,
    createdAt: CREATED_AT,
    modifiedAt: null,
    uploadExpiresAt: EXPIRES_AT,
    ...overrides,
  }
}

export function requestOf(overrides: Partial<UploadRequest> = {}): UploadRequest {
  return {
    protocol: 'BASIC',
    sizeBytes: null,
    maxDurationSeconds: 600,
    expiry: null,
    name: null,
    meta: null,
    allowedOrigins: null,
    requireSignedURLs: null,
    scheduledDeletion: null,
    thumbnailTimestampPct: null,
    creator: null,
    idempotencyKey: null,
    ...overrides,
  }
}
