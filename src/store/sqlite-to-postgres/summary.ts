/** Row counts and sums of a store, for comparison. */
import { type RowStatus, rowStatuses } from '../row-status.ts'

export interface StoreSummary {
  /** Number of rows in each status; statuses without rows may be missing. */
  readonly rows: ReadonlyMap<RowStatus, number>
  /** Sum of all versions: detects rows that changed without changing their status. */
  readonly versions: number
  readonly events: number
  readonly webhooks: number
  readonly reservedSeconds: number
  readonly storedSeconds: number
}

/** A quantity that differs between source and target. */
export interface SummaryDifference {
  /** Such as `READY uploads`; follows a number. */
  readonly what: string
  readonly source: number
  readonly target: number
}

/** Returns the differences; empty if both are equal. */
export function diffSummaries(
  source: StoreSummary,
  target: StoreSummary,
): readonly SummaryDifference[] {
  const inTarget = new Map(amountsOf(target))
  return amountsOf(source)
    .map(([what, amount]) => ({ what, source: amount, target: inTarget.get(what) ?? 0 }))
    .filter((one) => one.source !== one.target)
}

/** Number of uploads, in any status. */
export function countUploads({ rows }: StoreSummary): number {
  return sum(rowStatuses.filter((status) => !isReservation(status)).map((one) => rows.get(one)))
}

/** Number of reservations, retired ones included. */
export function countReservations({ rows }: StoreSummary): number {
  return sum(rowStatuses.filter(isReservation).map((one) => rows.get(one)))
}

export function isReservation(status: RowStatus): boolean {
  return status === 'RESERVED' || status === 'RETIRED'
}

function amountsOf(summary: StoreSummary): readonly (readonly [what: string, amount: number])[] {
  return [
    ...rowStatuses.map(
      (status) =>
        [
          `${status} ${isReservation(status) ? 'reservations' : 'uploads'}`,
          summary.rows.get(status) ?? 0,
        ] as const,
    ),
    ['recorded versions', summary.versions],
    ['events', summary.events],
    ['webhooks', summary.webhooks],
    ['reserved seconds', summary.reservedSeconds],
    ['stored seconds', summary.storedSeconds],
  ]
}

function sum(amounts: readonly (number | undefined)[]): number {
  return amounts.reduce<number>((total, amount = 0) => total + amount, 0)
}
