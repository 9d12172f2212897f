/** Reads the Dockerfile as far as it is used here: stages of instructions, and what they copy. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Of the repository, from which the image is built. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** One line, continued ones joined. */
export interface Instruction {
  /** Such as `COPY`. */
  readonly name: string
  readonly rest: string
}

export interface Setup {
  /** The image that it stands on, such as `node:20-bookworm`. */
  readonly base: string
  /** What later stages call it; null for the last. */
  readonly name: string | null
  readonly instructions: readonly Instruction[]
}

export interface Copy {
  /** The stage that it is taken from; null for the repository. */
  readonly from: string | null
  readonly sources: readonly string[]
  readonly target: string
}

/** https://docs.docker.com/reference/dockerfile */
export function readStages(): readonly Setup[] {
  const text = readFileSync(`${root}/Dockerfile`, 'utf8')
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  const stages: (Setup & { instructions: Instruction[] })[] = []
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') {
      const [base = '', , setup = null] = rest.split(' ')
      stages.push({ base, name: setup, instructions: [] })
    } else if (name !== '') {
      stages.at(-1)?.instructions.push({ name, rest })
    } else if (line.trim() !== '') {
      throw new Error(`The Dockerfile has a line that is no instruction: ${line}`)
    }
  }
  return stages
}

export function valuesOf({ instructions }: Setup, name: string): readonly string[] {
  return instructions.flatMap((one) => (one.name === name ? [one.rest] : []))
}

/** The only value of an instruction that may stand once. */
export function valueOf(setup: Setup, name: string): string {
  const [value, ...more] = valuesOf(setup, name)
  if (value === undefined || more.length > 0) throw new Error(`${name} stands not once.`)
  return value
}

export function copiesOf(setup: Setup): readonly Copy[] {
  return valuesOf(setup, 'COPY').map((rest) => {
    const [, from = null, paths = ''] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest) ?? []
    const all = paths.split(/\s+/)
    return { from, sources: all.slice(0, -1), target: all.at(-1) ?? '' }
  })
}

/** Name and value of each variable. */
export function variablesOf(setup: Setup): Readonly<Record<string, string>> {
  const pairs = valuesOf(setup, 'ENV').flatMap((rest) => rest.split(/\s+/))
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [name, value.join('=')]
    }),
  )
}

/** The exec form, which is run without a shell; throws at the other. */
export function commandOf(written: string): readonly string[] {
  return z.array(z.string()).min(1).parse(JSON.parse(written))
}
