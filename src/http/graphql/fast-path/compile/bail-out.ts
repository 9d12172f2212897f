/** What compiled operations give up with: anything but the regular case is graphql-js's own to answer. */

/**
 * Where a value, an argument or a resolver is not as the common case has it: an error, a null where
 * none may be, a promise in a list. Nothing has been answered then, and the operation is answered the
 * long way, which knows what the specification wants said.
 */
class Irregular extends Error {
  override readonly name = 'Irregular'
}

/** One for all: nobody reads its stack, and whoever sends nonsense has it thrown often. */
const IRREGULAR = new Irregular('This is for graphql-js to answer.')

export function giveUp(): never {
  throw IRREGULAR
}
