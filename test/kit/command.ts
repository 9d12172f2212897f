/** Runs a build of `headgate` as a separate process and captures its output. */
import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { buildOnce } from './build-once.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_WITHIN_MS = 15_000

/** A build in its own folder. */
export interface Build {
  readonly folder: string
  remove(): Promise<void>
}

/** A started process and its output. */
export interface Run {
  readonly child: ChildProcess
  stdout(): string
  stderr(): string
  /** Resolves with the exit code once all output has been read. */
  readonly ended: Promise<number | null>
}

/** Returns a folder like that of the installed package. All tests of a run share one compilation. */
export async function build(): Promise<Build> {
  const compiled = await buildOnce('headgate', compile)
  const folder = await mkdtemp(join(tmpdir(), 'headgate-build-'))
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  await symlink(join(compiled, 'dist'), join(folder, 'dist'))
  await linkSources(folder)
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/**
 * Compiles outside `dist`, because another test may build there at the same time, and a module that is half
 * written would not start.
 */
async function compile(folder: string): Promise<void> {
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  await linkSources(folder)
  const output = ['--outDir', join(folder, 'dist'), '--tsBuildInfoFile', 'null']
  const bare = ['--incremental', '--declarationMap', '--sourceMap']
  await promisify(execFile)(
    process.execPath,
    [
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      'tsconfig.build.json',
      ...output,
      ...bare.flatMap((option) => [option, 'false']),
    ],
    { cwd: root },
  )
  await promisify(execFile)(process.execPath, ['dist/client-package/build.js'], { cwd: folder })
  await promisify(execFile)('npm', ['pack', './dist/npm/client'], { cwd: folder })
}

/** Replaces the folder by the content of the frontend package, as `npm pack` packs it. */
export async function extractClientPackage(folder: string): Promise<void> {
  const compiled = await buildOnce('headgate', compile)
  const name = (await readdir(compiled)).find((file) => file.endsWith('.tgz'))
  if (name === undefined) throw new Error('npm pack wrote no file.')
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await promisify(execFile)('tar', [
    '-xzf',
    join(compiled, name),
    '--strip-components=1',
    '-C',
    folder,
  ])
}

async function linkSources(folder: string): Promise<void> {
  for (const part of ['node_modules', 'migrations', 'schema', 'src', 'LICENSE']) {
    await symlink(join(root, part), join(folder, part))
  }
}

/** Starts a command with only these environment variables. */
export function start(
  { folder }: Build,
  args: readonly string[],
  variables: Readonly<Record<string, string>>,
): Run {
  const child = spawn(process.execPath, [join(folder, 'dist/cli.js'), ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  return captureOutput(child)
}

/** Collects the output of a process that was just started. */
export function captureOutput(child: ChildProcessByStdio<null, Readable, Readable>): Run {
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = once(child, 'close').then(() => child.exitCode)
  return { child, stdout: () => stdout, stderr: () => stderr, ended }
}

/** Resolves with the URL of the gateway once it is logged. */
export async function addressOf(run: Run): Promise<string> {
  const deadline = Date.now() + START_WITHIN_MS
  while (Date.now() < deadline && run.child.exitCode === null) {
    const [, url] = /listens on (\S+)/.exec(run.stderr()) ?? []
    if (url !== undefined) return url
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
  }
  throw new Error(`The gateway did not start: ${run.stderr()}${run.stdout()}`)
}
