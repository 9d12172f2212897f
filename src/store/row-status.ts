/** What a row stands for: an upload in some status, or a reservation that is none yet. */
import { uploadStatuses } from '../uploads/upload.ts'

/** A row's status: an upload's, or that of a reservation. */
export const rowStatuses = ['RESERVED', 'RETIRED', ...uploadStatuses] as const
export type RowStatus = (typeof rowStatuses)[number]
