/** Seeded random numbers: the same seed gives the same sequence on every machine. */

export interface Chance {
  /** A number in [0, 1). */
  share(): number
  /** An integer from `least` to `most`, inclusive. */
  between(least: number, most: number): number
  /** True with this probability in percent. */
  percent(cases: number): boolean
  oneOf<T>(choices: readonly [T, ...T[]]): T
  /** One of the names, with a probability proportional to its weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name
}

/** mulberry32, by Tommy Ettinger: https://gist.github.com/tommyettinger/46a874533244883189143505d203312c */
export function chanceFrom(seed: number): Chance {
  let state = seed >>> 0

  function share(): number {
    state = (state + 0x6d_2b_79_f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  return {
    share,
    between: (least, most) => least + Math.floor(share() * (most - least + 1)),
    percent: (cases) => share() * 100 < cases,
    oneOf: (choices) => choices[Math.floor(share() * choices.length)] ?? choices[0],
    weighted(weights) {
      const names = keysOf(weights)
      const total = names.reduce((sum, name) => sum + weights[name], 0)
      let left = share() * total
      for (const name of names) {
        left -= weights[name]
        if (left < 0) return name
      }
      throw new Error('All weights are zero.')
    },
  }
}

function keysOf<Name extends string>(record: Readonly<Record<Name, number>>): Name[] {
  const names: Name[] = []
  for (const name in record) names.push(name)
  return names
}

/** Returns HEADGATE_CHAOS_SEED or a random seed. Titles print it, so that a run can be repeated. */
export function chosenSeed(): number {
  return wholeNumberFrom('HEADGATE_CHAOS_SEED') ?? Math.floor(Math.random() * 1_000_000)
}

/** Returns null for an unset variable; throws if the value is not a whole number. */
export function wholeNumberFrom(variable: string): number | null {
  const text = process.env[variable]
  if (text === undefined || text === '') return null
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${variable} must be a whole number, not ${text}.`)
  return Number(text)
}
