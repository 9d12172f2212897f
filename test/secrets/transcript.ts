/** Records all output of a gateway: where it appeared and which secrets its reader may know. */
import { type Secret, allTextIn, findIn } from './search.ts'

interface Entry {
  readonly place: string
  readonly text: string
  /** Secrets that the reader of this output may know. */
  readonly own: readonly Secret[]
}

export interface Transcript {
  /** Records output. `own` are secrets that its reader sent to the gateway or may read. */
  record(place: string, value: unknown, own?: readonly Secret[]): void
  /** Adds a secret, which may appear only in output recorded with it in `own`. */
  addSecret(secret: Secret): void
  /** One sentence for each secret and each output that contains it without permission. */
  leaks(): readonly string[]
  /** Places of all output that contains the secret, permitted or not. */
  placesOf(secret: Secret): readonly string[]
  /** Places of all recorded output. */
  places(): readonly string[]
}

/** Starts with these secrets. A secret that is added later is searched for in earlier output too. */
export function createTranscript(secrets: readonly Secret[]): Transcript {
  const allSecrets = [...secrets]
  const entries: Entry[] = []
  return {
    record(place, value, own = []) {
      entries.push({ place, text: allTextIn(value), own })
    },
    addSecret(secret) {
      allSecrets.push(secret)
    },
    leaks: () =>
      entries.flatMap(({ place, text, own }) =>
        allSecrets.flatMap((secret) => {
          const excerpt = own.includes(secret) ? null : findIn(text, secret)
          return excerpt === null ? [] : [`${secret.name} in ${place}: …${excerpt}…`]
        }),
      ),
    placesOf: (secret) =>
      entries.filter(({ text }) => findIn(text, secret) !== null).map(({ place }) => place),
    places: () => entries.map(({ place }) => place),
  }
}
