/**
 * Whatever is under way, where thousands come and go each second: each costs its place in a list, and
 * nothing of it is kept once it has left. A Map or a Set that is changed all the time keeps what it held
 * before from the young generation's collector, table by table.
 */

/** What can be on a roll, of one roll at most. */
export interface Placed {
  /** Where in the list it stands; the roll's own affair. */
  place: number
}

/** Nowhere: of what has not entered. */
export const NOWHERE = -1

export interface Roll<T extends Placed> {
  enter(one: T): void
  /** Does nothing for one that is not there (any more). */
  leave(one: T): void
  /** All that are there now, in no order. */
  all(): readonly T[]
}

export function createRoll<T extends Placed>(): Roll<T> {
  const list: T[] = []
  return {
    enter(one) {
      one.place = list.length
      list.push(one)
    },
    leave(one) {
      if (list[one.place] !== one) return
      const last = list.pop()
      if (last === undefined || last === one) return
      // Whoever is last takes the place that is free now.
      list[one.place] = last
      last.place = one.place
    },
    all: () => [...list],
  }
}
