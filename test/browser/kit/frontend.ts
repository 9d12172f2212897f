/** A frontend project in a temporary folder, with the packages of test/recipes and files of the test. */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { extractClientPackage } from '../../kit/command.ts'

const repository = fileURLToPath(new URL('../../../', import.meta.url))
const packages = join(repository, 'test/recipes/node_modules')

/** Whether the packages of the recipes are not installed. */
export const hasNoPackages = !existsSync(join(packages, '.package-lock.json'))

/** Suffix for the names of suites that need the packages. */
export const packagesHint = hasNoPackages
  ? ': its packages are not installed (npm ci --prefix test/recipes)'
  : ''

export interface Frontend {
  readonly folder: string
  readonly write: (path: string, text: string) => Promise<void>
  readonly read: (path: string) => Promise<string>
  /** Runs `node` with these arguments in the folder; a non-zero exit code is not thrown. */
  readonly node: (...args: readonly string[]) => Promise<ProcessResult>
  /** Runs a command of an installed package, such as `tsc`, the same way. */
  readonly run: (command: string, ...args: readonly string[]) => Promise<ProcessResult>
  readonly remove: () => Promise<void>
}

/** Exit code and output of a process. */
export interface ProcessResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Creates a project with these files, in which the packages of test/recipes are installed. */
export async function createFrontend(
  files: Readonly<Record<string, string>> = {},
): Promise<Frontend> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-frontend-'))
  await installInto(join(folder, 'node_modules'))
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  await write('package.json', '{ "type": "module" }\n')
  for (const [path, text] of Object.entries(files)) await write(path, text)
  return {
    folder,
    write,
    read: (path) => readFile(join(folder, path), 'utf8'),
    node: (...args) => runProcess(folder, process.execPath, args),
    run: (command, ...args) => runProcess(folder, join(packages, '.bin', command), args),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Bundles a module for Node, with the modules of the project that it imports; packages stay imports. */
export async function bundleForNode({ folder }: Frontend, code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: folder },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  })
  return outputFiles[0]?.text ?? ''
}

/** Installs the packed `@headgate/client`. It has no dependencies. */
export function installClient({ folder }: Frontend): Promise<void> {
  return extractClientPackage(join(folder, 'node_modules/@headgate/client'))
}

/** Links every installed package, and the schema of `@headgate/client`. */
async function installInto(target: string): Promise<void> {
  await mkdir(target)
  const names = hasNoPackages ? [] : await readdir(packages)
  for (const name of names.filter((entry) => entry !== '.package-lock.json')) {
    await symlink(join(packages, name), join(target, name))
  }
  const client = join(target, '@headgate/client')
  await mkdir(client, { recursive: true })
  await symlink(join(repository, 'schema/schema.graphql'), join(client, 'schema.graphql'))
}

async function runProcess(
  cwd: string,
  command: string,
  args: readonly string[],
): Promise<ProcessResult> {
  try {
    // Some tools print less when these variables show that they run in a test.
    const { NODE_ENV: _mode, VITEST: _runner, ...env } = process.env
    const { stdout, stderr } = await promisify(execFile)(command, args, { cwd, env })
    return { code: 0, stdout, stderr }
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error)) throw error
    const code = 'code' in error && typeof error.code === 'number' ? error.code : 1
    return { code, stdout: String(error.stdout), stderr: String(error.stderr) }
  }
}
