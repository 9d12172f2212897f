/** Status of a row: an upload or a reservation. */
import { uploadStatuses } from '../uploads/upload.ts'

/** Statuses of reservations, then those of uploads. */
export const rowStatuses = ['RESERVED', 'RETIRED', ...uploadStatuses] as const
export type RowStatus = (typeof rowStatuses)[number]
