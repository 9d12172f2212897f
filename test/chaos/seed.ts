/** Chance that repeats itself: one seed gives one plan, on every machine. */

export interface Chance {
  /** From 0 up to 1, without 1. */
  share(): number
  /** A whole number from `least` to `most`, both of them too. */
  between(least: number, most: number): number
  /** True in so many of a hundred cases. */
  percent(cases: number): boolean
  oneOf<T>(choices: readonly [T, ...T[]]): T
  /** One of the names, each as often as its weight says. */
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
      throw new Error('Nothing has a weight.')
    },
  }
}

function keysOf<Name extends string>(record: Readonly<Record<Name, number>>): Name[] {
  const names: Name[] = []
  for (const name in record) names.push(name)
  return names
}

/** What HEADGATE_CHAOS_SEED says, or a new one; it is printed, so that a run can be repeated. */
export function chosenSeed(): number {
  return wholeNumberFrom('HEADGATE_CHAOS_SEED') ?? Math.floor(Math.random() * 1_000_000)
}

/** Null where the variable is left out; throws where it is no whole number. */
export function wholeNumberFrom(variable: string): number | null {
  const text = process.env[variable]
  if (text === undefined || text === '') return null
  if (!/^\d{1,9}$/.test(text)) throw new Error(`${variable} must be a whole number, not ${text}.`)
  return Number(text)
}
