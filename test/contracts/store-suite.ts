/** What the parts of the UploadStore contract share. */
import type {
  QuotaUsage,
  UploadChange,
  Reservation,
  UploadStore,
} from '../../src/uploads/ports/upload-store.ts'
import type { Upload, UploadEvent } from '../../src/uploads/upload.ts'
import { after, reservationOf } from '../kit/samples.ts'

/** An open store. The suite closes whatever it was given last. */
export interface OpenedStore {
  readonly store: UploadStore
  /** Closes the store and opens the same one again, as after a restart. */
  reopen(): Promise<UploadStore>
}

/** The store of the test that runs, empty at its beginning. */
export interface Suite {
  readonly store: () => UploadStore
  readonly reopen: () => Promise<UploadStore>
  /** Reserves and mints. The uid is made from the id, by `uidOf`. */
  readonly mint: (said: Partial<Reservation> & { readonly id: string }) => Promise<Upload>
}

/** No quota, and every key remembered. */
export const freely = { creatorQuotaSeconds: null, forgetKeysBefore: new Date(0) } as const

export function uidOf(id: string): string {
  return `uid-of-${id}`
}

export function uploadURLOf(id: string): string {
  return `https://upload.example.com/${id}`
}

/** Reserves, without a limit, and mints. */
export async function mintIn(
  store: UploadStore,
  said: Partial<Reservation> & { readonly id: string },
): Promise<Upload> {
  const reservation = reservationOf(said)
  const { id, createdAt } = reservation
  const { kind } = await store.reserve(reservation, freely)
  const minted = { uid: uidOf(id), uploadURL: uploadURLOf(id) }
  const upload = await store.mint(id, minted, createdAt, after(15))
  if (kind !== 'reserved' || upload === null) throw new Error(`${id} was not minted: ${kind}`)
  return upload
}

/** The change that takes an upload to its next version. */
export function changeOf(
  upload: Upload,
  said: Partial<Upload>,
  also: { event?: UploadEvent | null; holds?: QuotaUsage; pollAt?: Date | null } = {},
): UploadChange {
  const { status } = said
  const seen = status === undefined || status === 'DELETED' ? {} : { seenStatus: status }
  return {
    upload: { ...upload, version: upload.version + 1, ...seen, ...said },
    event: also.event ?? null,
    holds: also.holds ?? { reservedSeconds: 0, storedSeconds: 0 },
    pollAt: also.pollAt ?? null,
  }
}

/** `0000`, `0001`, …: names whose order is their number's. */
export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index).padStart(4, '0'))
}
