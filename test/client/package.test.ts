/** The frontend package as npm packs and installs it: its size, its types, and an upload to a gateway. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { build } from '../kit/command.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { testcard } from '../kit/media.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const packed = z.tuple([
  z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }),
])

async function run(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
  const options = { cwd, env: { ...process.env, npm_config_update_notifier: 'false' } }
  const { stdout } = await promisify(execFile)(command, args, options)
  return stdout
}

/** An empty project. */
let project = ''
let tarball = { filename: '', files: [''] }

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'headgate-empty-'))
  const built = await build()
  await run(built.folder, process.execPath, 'dist/client-package/build.js')
  const folder = join(built.folder, 'dist/npm/client')
  const [{ filename, files }] = packed.parse(
    JSON.parse(await run(project, 'npm', 'pack', '--json', folder)),
  )
  tarball = { filename, files: files.map(({ path }) => path) }
  await built.remove()
  await writeFile(join(project, 'package.json'), '{ "type": "module" }\n')
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund']
  await run(project, 'npm', 'install', ...quiet, `./${filename}`)
}, 120_000)
afterAll(() => rm(project, { recursive: true, force: true }))

it('contains the client, its types, the schema, a README and the license', async () => {
  expect(tarball.filename).toMatch(/^headgate-client-[\d.]+\.tgz$/)
  for (const path of [
    'dist/client.js',
    'dist/client.d.ts',
    'schema.graphql',
    'README.md',
    'LICENSE',
  ])
    expect(tarball.files).toContain(path)
  expect(tarball.files.filter((path) => path.endsWith('.map'))).toEqual([])
  const schema = join(project, 'node_modules/@headgate/client/schema.graphql')
  expect(await readFile(schema, 'utf8')).toBe(
    await readFile(join(repository, 'schema/schema.graphql'), 'utf8'),
  )
})

it('has at most two dependencies and no native module', async () => {
  const manifest = z
    .object({ dependencies: z.record(z.string(), z.string()) })
    .parse(
      JSON.parse(
        await readFile(join(project, 'node_modules/@headgate/client/package.json'), 'utf8'),
      ),
    )
  expect(Object.keys(manifest.dependencies).length).toBeLessThanOrEqual(2)
  const installed = await readdir(join(project, 'node_modules'), { recursive: true })
  expect(installed.filter((path) => path.endsWith('.node'))).toEqual([])
})

it('is not part of the gateway package', async () => {
  const [{ files }] = packed.parse(
    JSON.parse(await run(repository, 'npm', 'pack', '--json', '--dry-run', '--ignore-scripts')),
  )
  expect(files.map(({ path }) => path).filter((path) => path.startsWith('dist/npm'))).toEqual([])
})

const PROGRAM = `import { type Upload, UploadError, createUploadClient } from '@headgate/client'

const [url = '', name = ''] = process.argv.slice(2)
const { openAsBlob } = await import('node:fs')
const client = createUploadClient({ url })
try {
  const upload: Upload = await client.upload(await openAsBlob(name), {
    name: 'From an empty project',
    maxDurationSeconds: 60,
    onProgress: ({ fraction }) => void fraction.toFixed(),
  })
  console.log(upload.status, upload.video?.durationSeconds?.toFixed())
} catch (error) {
  if (!(error instanceof UploadError)) throw error
  console.log(error.code)
}
`

it('compiles under strict options and uploads a file', async () => {
  await writeFile(join(project, 'main.ts'), PROGRAM)
  // Only the two names of Node that the program uses: its types are not installed.
  const node = `declare const process: { readonly argv: readonly string[] }
declare module 'node:fs' { export function openAsBlob(path: string): Promise<Blob> }
`
  await writeFile(join(project, 'node.d.ts'), node)
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
    module: 'nodenext',
    types: [],
    outDir: 'out',
    rootDir: '.',
  }
  const config = { compilerOptions: options, files: ['main.ts', 'node.d.ts'] }
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config))
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  await run(project, process.execPath, compiler, '-p', 'tsconfig.json')
  const gateway = await startTestGateway()
  const output = await run(
    project,
    process.execPath,
    'out/main.js',
    `${gateway.url}/graphql`,
    testcard.path,
  )
  expect(output).toBe(`READY ${testcard.durationSeconds.toFixed()}\n`)
}, 60_000)
