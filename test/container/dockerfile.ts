/** Parses the Dockerfile: stages, their instructions, and the files they copy. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** Root folder of the repository: the build context of the image. */
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** One instruction; continued lines are joined. */
export interface Instruction {
  /** Keyword, such as `COPY`. */
  readonly name: string
  readonly rest: string
}

export interface Stage {
  /** Base image, such as `node:20-bookworm`. */
  readonly base: string
  /** Name that later stages use; null for the last stage. */
  readonly name: string | null
  readonly instructions: readonly Instruction[]
}

export interface Copy {
  /** Source stage; null for the repository. */
  readonly from: string | null
  readonly sources: readonly string[]
  readonly target: string
}

/** https://docs.docker.com/reference/dockerfile */
export function readStages(): readonly Stage[] {
  const text = readFileSync(`${root}/Dockerfile`, 'utf8')
  const lines = text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  const stages: (Stage & { instructions: Instruction[] })[] = []
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (name === 'FROM') {
      const [base = '', , stage = null] = rest.split(' ')
      stages.push({ base, name: stage, instructions: [] })
    } else if (name !== '') {
      stages.at(-1)?.instructions.push({ name, rest })
    } else if (line.trim() !== '') {
      throw new Error(`Not a Dockerfile instruction: ${line}`)
    }
  }
  return stages
}

export function valuesOf({ instructions }: Stage, name: string): readonly string[] {
  return instructions.flatMap((instruction) =>
    instruction.name === name ? [instruction.rest] : [],
  )
}

/** Returns the value of an instruction; throws unless it occurs exactly once. */
export function valueOf(stage: Stage, name: string): string {
  const [value, ...more] = valuesOf(stage, name)
  if (value === undefined || more.length > 0)
    throw new Error(`The stage must have exactly one ${name} instruction.`)
  return value
}

export function copiesOf(stage: Stage): readonly Copy[] {
  return valuesOf(stage, 'COPY').map((rest) => {
    const [, from = null, paths = ''] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(rest) ?? []
    const all = paths.split(/\s+/)
    return { from, sources: all.slice(0, -1), target: all.at(-1) ?? '' }
  })
}

/** Returns the environment variables of a stage. */
export function variablesOf(stage: Stage): Readonly<Record<string, string>> {
  const pairs = valuesOf(stage, 'ENV').flatMap((rest) => rest.split(/\s+/))
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', ...value] = pair.split('=')
      return [name, value.join('=')]
    }),
  )
}

/** Parses the exec form, which runs without a shell; throws on the shell form. */
export function commandOf(written: string): readonly string[] {
  return z.array(z.string()).min(1).parse(JSON.parse(written))
}
