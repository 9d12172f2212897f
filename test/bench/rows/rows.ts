/** Every row, in the order of the table. */
import { minting } from './minting.ts'
import { listing, reading } from './reading.ts'
import type { Row } from './row.ts'

export const rows: readonly Row[] = [reading, listing, minting]
