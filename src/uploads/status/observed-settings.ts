/**
 * Changes to the settings of an upload, by this gateway, by another one or in Stream's dashboard: name,
 * metadata, constraints and expiry.
 */
import type { JsonObject, JsonValue } from '../../shared/json.ts'
import type { StreamVideo } from '../ports/stream-api.ts'
import { REFERENCE_KEY } from '../reference.ts'
import type { Upload, UploadConstraints } from '../upload.ts'

export type Settings = Pick<Upload, 'name' | 'meta' | 'constraints' | 'expiresAt' | 'settingsAt'>

/** Stream's timestamps may have whole seconds only. */
const TIMESTAMP_PRECISION_MS = 1000

/**
 * Returns the settings after a response of Stream to the gateway; unchanged fields keep their identity. A response
 * that is older than the recorded change, by Stream's clock, changes nothing.
 * @param isMutation whether it is the response to a change, which is recorded even if it changed nothing that
 * the gateway stores, such as the position of the thumbnail
 */
export function observedSettings(
  upload: Upload,
  video: StreamVideo,
  isMutation: boolean,
): Settings {
  const { modifiedAt } = video
  if (modifiedAt !== null && upload.settingsAt !== null && modifiedAt < upload.settingsAt) {
    return settingsOf(upload)
  }
  const changed = {
    ...nameAndMeta(upload, video),
    constraints: constraintsAfter(upload, video),
    expiresAt: changedTime(upload.expiresAt, video.uploadExpiresAt),
  }
  const isChanged =
    changed.name !== upload.name ||
    changed.meta !== upload.meta ||
    changed.constraints !== upload.constraints ||
    changed.expiresAt !== upload.expiresAt
  return { ...changed, settingsAt: isChanged || isMutation ? modifiedAt : upload.settingsAt }
}

export function settingsOf({ name, meta, constraints, expiresAt, settingsAt }: Upload): Settings {
  return { name, meta, constraints, expiresAt, settingsAt }
}

function constraintsAfter({ constraints }: Upload, video: StreamVideo): UploadConstraints {
  const { maxDurationSeconds, scheduledDeletion, requireSignedURLs } = video
  const next: UploadConstraints = {
    ...constraints,
    maxDurationSeconds:
      maxDurationSeconds !== null && Number.isInteger(maxDurationSeconds)
        ? maxDurationSeconds
        : constraints.maxDurationSeconds,
    allowedOrigins:
      video.allowedOrigins === null || isDeepEqual(constraints.allowedOrigins, video.allowedOrigins)
        ? constraints.allowedOrigins
        : video.allowedOrigins,
    requireSignedURLs: requireSignedURLs ?? constraints.requireSignedURLs,
    scheduledDeletion:
      scheduledDeletion === undefined
        ? constraints.scheduledDeletion
        : scheduledDeletion && changedTime(constraints.scheduledDeletion, scheduledDeletion),
  }
  const isSame =
    next.maxDurationSeconds === constraints.maxDurationSeconds &&
    next.allowedOrigins === constraints.allowedOrigins &&
    next.requireSignedURLs === constraints.requireSignedURLs &&
    next.scheduledDeletion === constraints.scheduledDeletion
  return isSame ? constraints : next
}

/** Returns the known time if the reported one is null, or equal within the precision of Stream's timestamps. */
function changedTime<Known extends Date | null>(known: Known, reported: Date | null): Known | Date {
  if (reported === null) return known
  const isSame =
    known !== null && Math.abs(known.getTime() - reported.getTime()) < TIMESTAMP_PRECISION_MS
  return isSame ? known : reported
}

/** The recorded metadata is as the caller sent it: the gateway adds the name and its reference for Stream. */
function nameAndMeta(upload: Upload, video: StreamVideo): Pick<Settings, 'name' | 'meta'> {
  // Without the gateway's reference, the metadata may be incomplete.
  if (video.meta[REFERENCE_KEY] === undefined) return { name: upload.name, meta: upload.meta }
  const { [REFERENCE_KEY]: _reference, ...reported } = video.meta
  const { name, meta } = splitName(reported)
  const known = splitName(upload.meta).meta
  return { name, meta: isSameMeta(known, meta) ? upload.meta : meta }
}

/** Stream's metadata has the name under a key, and so may the caller's. */
function splitName(metadata: JsonObject): Pick<Settings, 'name' | 'meta'> {
  const { name, ...meta } = metadata
  return typeof name === 'string' ? { name, meta } : { name: null, meta: metadata }
}

/** Compares metadata as sent to Stream with metadata as returned. Stream returns metadata of tus uploads, and all metadata of the Workers binding, as text. */
export function isSameMeta(known: JsonObject, reported: JsonObject): boolean {
  const keys = new Set([...Object.keys(known), ...Object.keys(reported)])
  return [...keys].every((key) => isSameValue(known[key], reported[key]))
}

function isSameValue(known: JsonValue | undefined, reported: JsonValue | undefined): boolean {
  if (typeof reported === 'string' && known !== undefined && typeof known !== 'string') {
    return JSON.stringify(known) === reported
  }
  // An empty text is sent in Upload-Metadata as a key without a value.
  return isDeepEqual(known ?? '', reported ?? '')
}

/** Compares JSON values; the order of keys does not matter. */
function isDeepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const entries = new Map<string, unknown>(Object.entries(b))
  const own = Object.entries(a)
  return (
    own.length === entries.size &&
    own.every(([key, value]) => entries.has(key) && isDeepEqual(value, entries.get(key)))
  )
}
