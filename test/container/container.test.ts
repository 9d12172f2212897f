/** The container image, checked without building it: its files start a gateway and stop it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../../src/config/gateway-config.ts'
import { findFreePort } from '../chaos/gateway-process.ts'
import { type Run, addressOf } from '../kit/command.ts'
import {
  type Stage,
  commandOf,
  copiesOf,
  readStages,
  root,
  valueOf,
  valuesOf,
  variablesOf,
} from './dockerfile.ts'
import { layOut } from './final-stage.ts'

const stages = readStages()
const [builder, final] = stages

function present(stage: Stage | undefined): Stage {
  if (stage === undefined) throw new Error('The Dockerfile must have two stages.')
  return stage
}

/** Runs a command as in the image, with `folder` in place of `/`. */
function runIn(folder: string, command: readonly string[], variables: Record<string, string>): Run {
  const [program = '', ...args] = command
  const directory = valuesOf(present(final), 'WORKDIR').at(-1) ?? ''
  const child = spawn(
    program,
    args.map((arg) => arg.replace(/^\/app/, `${folder}/app`)),
    {
      cwd: `${folder}${directory}`,
      env: { PATH: process.env['PATH'], ...variables },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)]
  const ended = new Promise<number | null>((resolve) => {
    child.once('close', resolve)
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { child, stdout, stderr, ended }
}

function collect(stream: NonNullable<ChildProcess['stdout']>): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

async function listing(folder: string): Promise<readonly string[]> {
  return (await readdir(folder, { recursive: true })).toSorted((a, b) => (a < b ? -1 : 1))
}

describe('the image', () => {
  it('copies only files that exist and that .dockerignore allows', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
    expect(ignored).toContain('*')
    const paths = copiesOf(present(builder)).flatMap(({ sources }) => sources)
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([])
    expect(paths.filter((path) => !ignored.includes(`!${path}`))).toEqual([])
  })

  it('copies only from the builder stage, on the same Debian and the repository Node version', () => {
    expect(stages.map(({ base }) => base)).toEqual(['node:20-bookworm', 'node:20-bookworm-slim'])
    expect(readFileSync(join(root, '.nvmrc'), 'utf8').trim()).toBe('20')
    expect(new Set(copiesOf(present(final)).map(({ from }) => from))).toEqual(
      new Set([present(builder).name]),
    )
  })

  it('runs as an unprivileged user, writes into its volume, and receives SIGTERM directly', () => {
    const stage = present(final)
    expect(valueOf(stage, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    const volume = valueOf(stage, 'VOLUME')
    const variables = variablesOf(stage)
    expect(variables['DATABASE_URL']).toMatch(new RegExp(`^file:${volume}/`))
    // The emulator's folder is relative to the working directory.
    expect(valuesOf(stage, 'WORKDIR').at(-1)).toBe(volume)
    expect(valueOf(stage, 'STOPSIGNAL')).toBe('SIGTERM')
    // Without a shell: a shell would not forward the signal.
    expect(commandOf(valueOf(stage, 'ENTRYPOINT'))[0]).toBe('node')
  })

  it('sets only variables that have an effect with an account', () => {
    const account = { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: 'token' }
    const environment = { ...variablesOf(present(final)), ...account, AUTH_DISABLED: 'true' }
    expect(readConfig(environment)).toMatchObject({ kind: 'config', warnings: [] })
  })

  it('starts from its own files, is healthy, writes only into its volume, exits with 0', async () => {
    const stage = present(final)
    const image = await layOut(present(builder), stage)
    onTestFinished(() => image.remove())
    const { folder } = image
    const volume = join(folder, valueOf(stage, 'VOLUME'))
    await mkdir(volume)
    const before = await listing(join(folder, 'app'))
    const variables = Object.fromEntries(
      Object.entries(variablesOf(stage)).map(([name, value]) => [
        name,
        value.replace(valueOf(stage, 'VOLUME'), volume),
      ]),
    )
    const port = String(await findFreePort())
    const environment = { ...variables, PORT: port, EMULATOR_PORT: '0', AUTH_DISABLED: 'true' }
    const command = [
      ...commandOf(valueOf(stage, 'ENTRYPOINT')),
      ...commandOf(valueOf(stage, 'CMD')),
    ]
    const [, check = ''] = /CMD (\[.*\])$/.exec(valueOf(stage, 'HEALTHCHECK')) ?? []
    const healthy = () => runIn(folder, commandOf(check), { PORT: port }).ended

    expect(await healthy()).toBe(1)
    const run = runIn(folder, command, environment)
    expect(await addressOf(run)).toBe(`http://127.0.0.1:${port}`)
    expect(await healthy()).toBe(0)
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    expect(await listing(join(folder, 'app'))).toEqual(before)
    expect(await readdir(volume)).toEqual(['.headgate', 'headgate.db', 'headgate.db.lock'])

    const { stdout } = await promisify(execFile)('du', ['-sm', join(folder, 'app')])
    process.stdout.write(`\nImage size without Debian and Node\n  ${stdout.split('\t')[0]} MB\n`)
  }, 120_000)
})
