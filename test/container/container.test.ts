/** The image, as far as it can be held to its word without building it: its files run, and end. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { readConfig } from '../../src/config/node-config.ts'
import { quietPort } from '../chaos/gateway-process.ts'
import { type Run, addressOf } from '../kit/command.ts'
import {
  type Setup,
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

function present(setup: Setup | undefined): Setup {
  if (setup === undefined) throw new Error('The Dockerfile has two stages.')
  return setup
}

/** Runs as in the image, with `/` in another folder. */
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
  it('is built from files that are there and that the context lets in', () => {
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
    expect(ignored).toContain('*')
    const taken = copiesOf(present(builder)).flatMap(({ sources }) => sources)
    expect(taken.filter((path) => !existsSync(join(root, path)))).toEqual([])
    expect(taken.filter((path) => !ignored.includes(`!${path}`))).toEqual([])
  })

  it('takes everything from the stage before it, on the same Debian and the Node of this repository', () => {
    expect(stages.map(({ base }) => base)).toEqual(['node:20-bookworm', 'node:20-bookworm-slim'])
    expect(readFileSync(join(root, '.nvmrc'), 'utf8').trim()).toBe('20')
    expect(new Set(copiesOf(present(final)).map(({ from }) => from))).toEqual(
      new Set([present(builder).name]),
    )
  })

  it('runs as nobody in particular, writes into its volume, and gets the signal itself', () => {
    const setup = present(final)
    expect(valueOf(setup, 'USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/)
    const volume = valueOf(setup, 'VOLUME')
    const variables = variablesOf(setup)
    expect(variables['DATABASE_URL']).toMatch(new RegExp(`^file:${volume}/`))
    // The emulator's folder is relative to it.
    expect(valuesOf(setup, 'WORKDIR').at(-1)).toBe(volume)
    expect(valueOf(setup, 'STOPSIGNAL')).toBe('SIGTERM')
    // Without a shell, which would keep the signal to itself.
    expect(commandOf(valueOf(setup, 'ENTRYPOINT'))[0]).toBe('node')
  })

  it('sets no variable that has no effect with an account', () => {
    const account = { CLOUDFLARE_ACCOUNT_ID: 'account', CLOUDFLARE_API_TOKEN: 'token' }
    const given = { ...variablesOf(present(final)), ...account, AUTH_DISABLED: 'true' }
    expect(readConfig(given)).toMatchObject({ kind: 'config', warnings: [] })
  })

  it('starts from its own files, is healthy, writes nothing beside its volume, and ends with 0', async () => {
    const setup = present(final)
    const image = await layOut(present(builder), setup)
    onTestFinished(() => image.remove())
    const { folder } = image
    const volume = join(folder, valueOf(setup, 'VOLUME'))
    await mkdir(volume)
    const before = await listing(join(folder, 'app'))
    const variables = Object.fromEntries(
      Object.entries(variablesOf(setup)).map(([name, value]) => [
        name,
        value.replace(valueOf(setup, 'VOLUME'), volume),
      ]),
    )
    const port = String(await quietPort())
    const given = { ...variables, PORT: port, EMULATOR_PORT: '0', AUTH_DISABLED: 'true' }
    const command = [
      ...commandOf(valueOf(setup, 'ENTRYPOINT')),
      ...commandOf(valueOf(setup, 'CMD')),
    ]
    const [, check = ''] = /CMD (\[.*\])$/.exec(valueOf(setup, 'HEALTHCHECK')) ?? []
    const healthy = () => runIn(folder, commandOf(check), { PORT: port }).ended

    expect(await healthy()).toBe(1)
    const run = runIn(folder, command, given)
    expect(await addressOf(run)).toBe(`http://127.0.0.1:${port}`)
    expect(await healthy()).toBe(0)
    run.child.kill('SIGTERM')
    expect(await run.ended).toBe(0)
    expect(await listing(join(folder, 'app'))).toEqual(before)
    expect(await readdir(volume)).toEqual(['.headgate', 'headgate.db', 'headgate.db.lock'])

    const { stdout } = await promisify(execFile)('du', ['-sm', join(folder, 'app')])
    process.stdout.write(
      `\nThe image's own files\n  ${stdout.split('\t')[0]} MB, beside Debian and Node\n`,
    )
  }, 120_000)
})
