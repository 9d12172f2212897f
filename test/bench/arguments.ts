/** What the command was asked for. */
import { parseArgs } from 'node:util'

export interface Arguments {
  readonly run: 'quick' | 'full' | 'scale'
  /** Names of rows; empty for all of the run. */
  readonly only: readonly string[]
  /** Null for as many as the run has. */
  readonly rounds: number | null
  /** Whether to tell where the time goes, of rows that are driven; targets are not judged then. */
  readonly profile: boolean
  /** Where the figures are written to. */
  readonly jsonFile: string
}

export const USAGE = `npm run bench [-- --full | --scale] [--only ROW,ROW] [--rounds N] [--json FILE] [--profile]`

/** Throws a sentence where something is not understood. */
export function readArguments(given: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...given],
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
