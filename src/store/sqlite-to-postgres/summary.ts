/** Row counts and sums of a store, for comparison. */
import { type RowStatus, rowStatuses } from '../row-status.ts'

export interface StoreSummary {
  /** Number of rows in each status; statuses without rows may be missing. */
  readonly rows: ReadonlyMap<RowStatus, number>
  /** Sum of all versions: detects rows that changed without changing their status. */
  readonly versions: number
  readonly events: number
  readonly webhooks: number
  /** Deliveries of callbacks, in any state. */
  readonly callbacks: number
  readonly reservedSeconds: number
  readonly storedSeconds: number
}

/** A quantity that differs between source and target. */
export interface SummaryDifference {
  /** Such as `READY uploads`; follows a number. */
  readonly label: string
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
    .map(([label, amount]) => ({ label, source: amount, target: inTarget.get(label) ?? 0 }))
    .filter((difference) => difference.source !== difference.target)
}

/** Number of uploads, in any status. */
export function countUploads({ rows }: StoreSummary): number {
  return sum(
    rowStatuses.filter((status) => !isReservation(status)).map((status) => rows.get(status)),
  )
}

/** Number of reservations, retired ones included. */
export function countReservations({ rows }: StoreSummary): number {
  return sum(rowStatuses.filter(isReservation).map((status) => rows.get(status)))
}

export function isReservation(status: RowStatus): boolean {
  return status === 'RESERVED' || status === 'RETIRED'
}

function amountsOf(summary: StoreSummary): readonly (readonly [label: string, amount: number])[] {
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
    ['callbacks', summary.callbacks],
    ['reserved seconds', summary.reservedSeconds],
    ['stored seconds', summary.storedSeconds],
  ]
}

function sum(amounts: readonly (number | undefined)[]): number {
  return amounts.reduce<number>((total, amount = 0) => total + amount, 0)
}
