/** The frontend package as npm packs and installs it: its size, its types, and an upload to a gateway. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
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

it('contains client, hooks and plugin with their types, the schema, a README and the license', async () => {
  expect(tarball.filename).toMatch(/^headgate-client-[\d.]+\.tgz$/)
  for (const path of [
    'dist/client/client.js',
    'dist/client/client.d.ts',
    'dist/react/react.js',
    'dist/react/react.d.ts',
    'dist/uppy/uppy.js',
    'dist/uppy/uppy.d.ts',
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

const packages = z.record(z.string(), z.string())
const manifestShape = z.object({
  name: z.string(),
  dependencies: packages,
  peerDependencies: packages,
  peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.literal(true) })),
  exports: packages,
})

async function readManifest() {
  const path = join(project, 'node_modules/@headgate/client/package.json')
  return manifestShape.parse(JSON.parse(await readFile(path, 'utf8')))
}

it('has no dependency, optional peers only, and no native module', async () => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = await readManifest()
  expect(dependencies).toEqual({})
  expect(peerDependencies).toEqual({
    '@uppy/core': expect.stringMatching(/^\^5/),
    mediabunny: expect.any(String),
    react: '>=18',
  })
  expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies))
  const installed = await readdir(join(project, 'node_modules'), { recursive: true })
  expect(installed.filter((path) => path.endsWith('.node'))).toEqual([])
  const names = await readdir(join(project, 'node_modules'))
  expect(names.filter((name) => !name.startsWith('.'))).toEqual(['@headgate'])
})

it('exports the same modules as the gateway package', async () => {
  const { exports } = await readManifest()
  const own = z
    .object({ exports: packages })
    .parse(JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))).exports
  expect(exports).toEqual({
    '.': own['./client'],
    './react': own['./react'],
    './uppy': own['./uppy'],
    './schema.graphql': './schema.graphql',
    './package.json': './package.json',
  })
})

it('passes publint', async () => {
  const pkgDir = join(project, 'node_modules/@headgate/client')
  const { messages } = await publint({ pkgDir, pack: false, strict: true })
  const manifest: unknown = JSON.parse(await readFile(join(pkgDir, 'package.json'), 'utf8'))
  if (typeof manifest !== 'object' || manifest === null) throw new Error('no package.json')
  expect(messages.map((message) => formatMessage(message, manifest, { color: false }))).toEqual([])
})

it('is not part of the gateway package', async () => {
  const [{ files }] = packed.parse(
    JSON.parse(await run(repository, 'npm', 'pack', '--json', '--dry-run', '--ignore-scripts')),
  )
  expect(files.map(({ path }) => path).filter((path) => path.startsWith('dist/npm'))).toEqual([])
}, 60_000)

const PROGRAM = `import { type Upload, UploadError, createUploadClient } from '@headgate/client'
import { open } from 'node:fs/promises'

const [url = '', path = ''] = process.argv.slice(2)
const client = createUploadClient({ url })
const file = await open(path)
try {
  await client.upload(file, { maxDurationSeconds: 60 })
  const upload: Upload = await client.upload(path, {
    name: 'From an empty project',
    maxDurationSeconds: 60,
    onProgress: ({ fraction }) => void fraction.toFixed(),
  })
  console.log(upload.status, upload.video?.durationSeconds?.toFixed())
} catch (error) {
  if (!(error instanceof UploadError)) throw error
  console.log(error.code)
} finally {
  await file.close()
}
`

it('compiles under strict options and uploads a file', async () => {
  await writeFile(join(project, 'main.ts'), PROGRAM)
  // Only the two names of Node that the program uses: its types are not installed.
  const node = `declare const process: { readonly argv: readonly string[] }
declare module 'node:fs/promises' {
  interface Stats { readonly size: number; readonly mtimeMs: number }
  interface FileHandle {
    read<T extends ArrayBufferView>(buffer: T, offset?: number | null, length?: number | null, position?: number | bigint | null): Promise<{ bytesRead: number; buffer: T }>
    stat(options?: { bigint?: false }): Promise<Stats>
    close(): Promise<void>
  }
  export function open(path: string): Promise<FileHandle>
}
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

const API_PROGRAM = `import { readFile } from 'node:fs/promises'
import {
  UploadError, createMemoryStorage, createUploadClient, createUploadList, createUploadQueue, isReady, isTerminal,
} from '@headgate/client'

const [url, path] = process.argv.slice(2)
const bytes = await readFile(path)
const client = createUploadClient({ url, storage: createMemoryStorage() })
const queue = createUploadQueue(client, { concurrency: 2, settings: { maxDurationSeconds: 60 } })
const list = createUploadList(client, {}, { pageSize: 1 })

/** Resolves when the predicate is true of the snapshot. */
const until = (source, predicate) => new Promise((resolve) => {
  const stop = source.subscribe(check)
  function check() {
    if (!predicate(source.getSnapshot())) return
    queueMicrotask(() => stop())
    resolve(source.getSnapshot())
  }
  check()
})
const stateOf = (files, id) => files.find((file) => file.id === id)?.state

const [one, other] = queue.add(['one', 'other'].map((name) => new File([bytes, name], name + '.mp4')))
queue.pause(one)
await until(queue, (files) => stateOf(files, other) === 'ready')
queue.resume(one)
const files = await until(queue, (now) => stateOf(now, one) === 'ready')
const { uid } = files[0]

const [text] = queue.add([new File(['text'], 'text.mp4')])
await until(queue, (now) => stateOf(now, text) === 'failed')
queue.retry(text)
await until(queue, (now) => stateOf(now, text) === 'failed')
queue.remove(text)
const [canceled] = queue.add([new File([bytes, 'canceled'], 'canceled.mp4')])
await queue.cancel(canceled)

let watched
for await (watched of client.watch(uid));
const urls = []
for await (const { hlsURL } of client.playback(uid)) urls.push(hlsURL)
const connected = until(list, ({ isLive }) => isLive)
const stop = list.subscribe(() => {})
const before = (await connected).uploads.length
list.loadMore()
await until(list, ({ uploads }) => uploads.length > before)
stop()
const found = await client.find(uid)
const deleted = await client.delete(uid)
queue.close()
const empty = await client.upload(new Blob([])).catch((error) => error)
console.log(JSON.stringify({
  files: queue.getSnapshot().map(({ state }) => state),
  watched: [isReady(watched), isTerminal(watched)],
  played: urls.length,
  found: found.uid === uid,
  deleted: deleted.status,
  resumable: await client.resumable(),
  error: empty instanceof UploadError && empty.code,
}))
`

it('has the functions and methods that its page describes', async () => {
  await writeFile(join(project, 'api.mjs'), API_PROGRAM)
  const gateway = await startTestGateway()
  const args = [`${gateway.url}/graphql`, testcard.path]
  expect(JSON.parse(await run(project, process.execPath, 'api.mjs', ...args))).toEqual({
    files: ['ready', 'ready'],
    watched: [true, true],
    played: 1,
    found: true,
    deleted: 'DELETED',
    resumable: [],
    error: 'EMPTY_FILE',
  })
}, 60_000)

/** Packages that a page with React and Uppy installs; those of the repository are linked. */
const PEERS = ['@uppy/core', '@types/react', 'csstype']

const PEER_PROGRAM = `import type { UploadClient } from '@headgate/client'
import { UploadClientProvider, useUploads } from '@headgate/client/react'
import { HeadgateUploader, type UploadBody } from '@headgate/client/uppy'
import { type Meta, Uppy } from '@uppy/core'

export const provider: typeof UploadClientProvider = UploadClientProvider
export const files = (): number => useUploads().uploads.length
export const uppy = (client: UploadClient) =>
  new Uppy<Meta, UploadBody>().use(HeadgateUploader, { client })
`

it('has types for React and Uppy that compile under strict options', async () => {
  for (const name of PEERS) {
    const target = join(project, 'node_modules', name)
    await mkdir(join(target, '..'), { recursive: true })
    await symlink(join(repository, 'node_modules', name), target)
  }
  await writeFile(join(project, 'peers.ts'), PEER_PROGRAM)
  const options = {
    strict: true,
    exactOptionalPropertyTypes: true,
    // The types of Uppy themselves do not compile under these options.
    skipLibCheck: true,
    target: 'es2023',
    lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
    module: 'nodenext',
    types: [],
    noEmit: true,
  }
  const config = { compilerOptions: options, files: ['peers.ts'] }
  await writeFile(join(project, 'tsconfig.peers.json'), JSON.stringify(config))
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  const output = await run(project, process.execPath, compiler, '-p', 'tsconfig.peers.json')
  expect(output).toBe('')
})
