/** Which names of operations become labels: a client may choose any, and Prometheus keeps each for ever. */

/** Different names that are counted by themselves; the first to come are kept. */
export const MOST_NAMES = 100
/** Operations without a name. */
export const ANONYMOUS = 'anonymous'
/** Operations whose name is not counted by itself. */
export const OTHER = 'other'

/** https://spec.graphql.org/October2021/#Name, as long as people write them. */
const ORDINARY = /^[_A-Za-z]\w{0,63}$/
/** A name that was made by a machine, with an identifier in it: a new one each time. */
const MACHINE_MADE = /[\da-f]{8}|\d{5}/i

/** Returns what gives each name its label; at most MOST_NAMES of them, besides the two above. */
export function createOperationNames(): (name: string | null) => string {
  const known = new Set<string>()
  return (name) => {
    if (name === null || name === '') return ANONYMOUS
    if (known.has(name)) return name
    if (known.size >= MOST_NAMES || !ORDINARY.test(name) || MACHINE_MADE.test(name)) return OTHER
    known.add(name)
    return name
  }
}
