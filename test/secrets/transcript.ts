/** Everything that came out of a gateway, where it came out, and who may read it. */
import { type Secret, everythingIn, findIn } from './search.ts'

interface Entry {
  readonly where: string
  readonly text: string
  /** Secrets that whoever read this may know: their own. */
  readonly own: readonly Secret[]
}

export interface Transcript {
  /** Writes down what came out. `own` are secrets that its reader told us, or was to be told. */
  note(where: string, value: unknown, own?: readonly Secret[]): void
  /** One secret more, which is to be found nowhere but in what was written down as its owner's. */
  hide(secret: Secret): void
  /** Every place in which somebody sees a secret that is not theirs, once, as a sentence. */
  leaks(): readonly string[]
  /** Places that hold the secret, whosever they are. */
  placesOf(secret: Secret): readonly string[]
  /** Places by name: what was driven at all. */
  places(): readonly string[]
}

/** Begins with these secrets; what was noted before a secret was known is searched for it too. */
export function createTranscript(secrets: readonly Secret[]): Transcript {
  const hidden = [...secrets]
  const entries: Entry[] = []
  return {
    note(where, value, own = []) {
      entries.push({ where, text: everythingIn(value), own })
    },
    hide(secret) {
      hidden.push(secret)
    },
    leaks: () =>
      entries.flatMap(({ where, text, own }) =>
        hidden.flatMap((secret) => {
          const around = own.includes(secret) ? null : findIn(text, secret)
          return around === null ? [] : [`${secret.name} in ${where}: …${around}…`]
        }),
      ),
    placesOf: (secret) =>
      entries.filter(({ text }) => findIn(text, secret) !== null).map(({ where }) => where),
    places: () => entries.map(({ where }) => where),
  }
}
