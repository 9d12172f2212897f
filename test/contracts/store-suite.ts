/** Shared by the cases of the UploadStore contract. */
import type {
  UploadChange,
  Reservation,
  UploadStore,
} from '../../src/uploads/ports/upload-store.ts'
import type { Upload } from '../../src/uploads/upload.ts'
import { after, reservationOf } from '../kit/samples.ts'

/** An open store. The suite closes the store it received last. */
export interface OpenedStore {
  readonly store: UploadStore
  /** Closes the store and opens the same one again, as after a restart. */
  reopen(): Promise<UploadStore>
}

/** The store of the current test, empty at its start. */
export interface Suite {
  readonly store: () => UploadStore
  readonly reopen: () => Promise<UploadStore>
  /** Reserves and mints. The uid is derived from the id by `uidOf`. */
  readonly mint: (fields: Partial<Reservation> & { readonly id: string }) => Promise<Upload>
}

/** No quota, and keys that never expire. */
export const unlimited = { creatorQuotaSeconds: null, keysValidSince: new Date(0) } as const

export function uidOf(id: string): string {
  return `uid-of-${id}`
}

export function uploadURLOf(id: string): string {
  return `https://upload.example.com/${id}`
}

/** Reserves without a quota, and mints. */
export async function mintIn(
  store: UploadStore,
  fields: Partial<Reservation> & { readonly id: string },
): Promise<Upload> {
  const reservation = reservationOf(fields)
  const { id, createdAt } = reservation
  const { kind } = await store.reserve(reservation, unlimited)
  const minted = { uid: uidOf(id), uploadURL: uploadURLOf(id) }
  const upload = await store.mint(reservation, minted, createdAt, after(15))
  if (kind !== 'reserved' || upload === null) throw new Error(`${id} was not minted: ${kind}`)
  return upload
}

/** Returns the change of an upload to its next version. */
export function changeOf(
  upload: Upload,
  fields: Partial<Upload>,
  options: Partial<Omit<UploadChange, 'upload'>> = {},
): UploadChange {
  const { status } = fields
  const seen = status === undefined || status === 'DELETED' ? {} : { seenStatus: status }
  return {
    upload: { ...upload, version: upload.version + 1, ...seen, ...fields },
    event: options.event ?? null,
    quotaUsage: options.quotaUsage ?? { reservedSeconds: 0, storedSeconds: 0 },
    pollAt: options.pollAt ?? null,
    callback: options.callback ?? null,
  }
}

/** Returns `0000`, `0001`, …: names that sort by their number. */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index).padStart(4, '0'))
}
