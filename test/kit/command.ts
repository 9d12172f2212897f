/** Runs a fresh build of `headgate` as a separate process and captures its output. */
import { type ChildProcess, type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

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

/**
 * Builds outside `dist`, because another test may build there at the same time, and a module that
 * is half written would not start.
 * @param declarations whether to write types too
 */
export async function build(declarations = false): Promise<Build> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-build-'))
  await copyFile(join(root, 'package.json'), join(folder, 'package.json'))
  for (const part of ['node_modules', 'migrations', 'schema', 'src', 'LICENSE']) {
    await symlink(join(root, part), join(folder, part))
  }
  const compiler = [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']
  const bare = ['--incremental', '--declarationMap', '--sourceMap']
  if (!declarations) bare.push('--declaration')
  await promisify(execFile)(
    process.execPath,
    [
      ...compiler,
      '--outDir',
      join(folder, 'dist'),
      '--tsBuildInfoFile',
      'null',
      ...bare.flatMap((option) => [option, 'false']),
    ],
    { cwd: root },
  )
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
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
