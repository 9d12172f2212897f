/** What a keeper holds, counted, so that two of them can be compared. */
import { type RowStatus, rowStatuses } from '../row-status.ts'

export interface Census {
  /** How many rows stand in each status, none left out. */
  readonly rows: ReadonlyMap<RowStatus, number>
  /** The versions of all uploads, added up: a row that changed makes the sum another. */
  readonly versions: number
  readonly events: number
  readonly notices: number
  readonly reservedSeconds: number
  readonly storedSeconds: number
}

/** Something of which the two hold different amounts. */
export interface Difference {
  /** Such as `READY uploads`: follows a number. */
  readonly what: string
  readonly source: number
  readonly target: number
}

/** Empty where both hold the same. */
export function differencesOf(source: Census, target: Census): readonly Difference[] {
  const inTarget = new Map(amountsOf(target))
  return amountsOf(source)
    .map(([what, amount]) => ({ what, source: amount, target: inTarget.get(what) ?? 0 }))
    .filter((one) => one.source !== one.target)
}

/** Uploads, whatever became of them. */
export function uploadsIn({ rows }: Census): number {
  return sum(rowStatuses.filter((status) => !isReservation(status)).map((one) => rows.get(one)))
}

/** Reservations, those that were given up among them. */
export function reservationsIn({ rows }: Census): number {
  return sum(rowStatuses.filter(isReservation).map((one) => rows.get(one)))
}

export function isReservation(status: RowStatus): boolean {
  return status === 'RESERVED' || status === 'RETIRED'
}

function amountsOf(census: Census): readonly (readonly [what: string, amount: number])[] {
  return [
    ...rowStatuses.map(
      (status) =>
        [
          `${status} ${isReservation(status) ? 'reservations' : 'uploads'}`,
          census.rows.get(status) ?? 0,
        ] as const,
    ),
    ['recorded versions', census.versions],
    ['events', census.events],
    ['notices', census.notices],
    ['reserved seconds', census.reservedSeconds],
    ['stored seconds', census.storedSeconds],
  ]
}

function sum(amounts: readonly (number | undefined)[]): number {
  return amounts.reduce<number>((total, amount = 0) => total + amount, 0)
}
