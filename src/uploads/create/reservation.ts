/** Converts a request to a reservation. */
import type { Reservation } from '../ports/upload-store.ts'
import { DEFAULT_EXPIRY_MS, MAX_BASIC_BYTES } from '../limits.ts'
import type { UploadRequest } from './upload-request.ts'

/** Properties of a reservation that are not in the request. */
type ReservationContext = Pick<
  Reservation,
  'id' | 'creator' | 'requestedBy' | 'fingerprint' | 'createdAt'
>

/** Returns the reservation of a validated request, with defaults for omitted fields. */
export function createReservation(
  request: UploadRequest,
  context: ReservationContext,
): Reservation {
  const metaName = request.meta?.['name']
  // Stream limits a basic upload to 200 MB, whatever size the caller declared.
  const sizeBytes = request.protocol === 'TUS' ? request.sizeBytes : null
  return {
    protocol: request.protocol,
    name: request.name ?? (typeof metaName === 'string' ? metaName : null),
    meta: request.meta ?? {},
    constraints: {
      maxDurationSeconds: request.maxDurationSeconds,
      maxSizeBytes: sizeBytes ?? MAX_BASIC_BYTES,
      allowedOrigins: request.allowedOrigins ?? [],
      requireSignedURLs: request.requireSignedURLs ?? false,
      scheduledDeletion: request.scheduledDeletion,
    },
    expiresAt:
      request.expiry ?? new Date(context.createdAt.getTime() + DEFAULT_EXPIRY_MS[request.protocol]),
    totalBytes: sizeBytes,
    idempotencyKey: request.idempotencyKey,
    // The spread is last, because V8 takes a hundred times as long if other keys follow it.
    ...context,
  }
}
