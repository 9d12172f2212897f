/** Command-line arguments of the benchmark. */
import { parseArgs } from 'node:util'

export interface Arguments {
  readonly run: 'quick' | 'full' | 'scale'
  /** Names of rows; empty for all rows of the run. */
  readonly only: readonly string[]
  /** Null for the default of the run. */
  readonly rounds: number | null
  /** Whether to profile the servers and print the CPU time by package. Targets are not checked then. */
  readonly profile: boolean
  /** File to which the figures are written. */
  readonly jsonFile: string
}

export const USAGE = `npm run bench [-- --full | --scale] [--only ROW,ROW] [--rounds N] [--json FILE] [--profile]`

/** Throws an error with a message for the user when an argument is invalid. */
export function readArguments(args: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: 'boolean', default: false },
      scale: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      rounds: { type: 'string' },
      profile: { type: 'boolean', default: false },
      json: { type: 'string', default: '.headgate/bench.json' },
    },
  })
  if (values.full && values.scale) throw new Error('Give --full or --scale, not both.')
  const rounds = values.rounds === undefined ? null : Number(values.rounds)
  if (rounds !== null && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error('--rounds must be a whole number from 1.')
  }
  return {
    run: values.full ? 'full' : values.scale ? 'scale' : 'quick',
    only: values.only.split(',').filter((name) => name !== ''),
    rounds,
    profile: values.profile,
    jsonFile: values.json,
  }
}
