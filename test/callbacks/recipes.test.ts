/** Runs the recipes of src/callbacks/README.md as printed, and sends callbacks of a real gateway to them. */
import { execFile } from 'node:child_process'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { type RequestListener, createServer } from 'node:http'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { createServerAdapter } from '@whatwg-node/server'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  type Frontend,
  bundleForNode,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import { isRecord } from '../../src/shared/json.ts'
import { CALLBACK_SECRETS, callbackVariables } from '../kit/callback-target.ts'
import { startTestGateway } from '../kit/gateway.ts'
import { listenInTest } from '../kit/listen.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile } from '../kit/operations.ts'

const PAGE = 'src/callbacks/README.md'
const repository = fileURLToPath(new URL('../../', import.meta.url))
const names = [
  'src/handle-callback.ts',
  'src/express.ts',
  'src/hono.ts',
  'src/app/callbacks/route.ts',
]

describe.skipIf(hasNoPackages)(`the recipes${packagesHint}`, { timeout: 60_000 }, () => {
  let project: Frontend
  beforeAll(async () => {
    project = await createFrontend(
      Object.fromEntries(names.map((name) => [name, readRecipe(PAGE, name)])),
    )
    await installGateway(project)
  })
  afterAll(() => project.remove())

  it('compile under strict', async () => {
    const flags =
      '--strict --noUncheckedIndexedAccess --noEmit --skipLibCheck --target es2023 --module preserve --types node'
    const { code, stdout } = await project.run('tsc', ...flags.split(' '), ...names)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  })

  it.each([
    ['express', "export { app as listener } from './src/express'"],
    ['Hono', "import app from './src/hono'\nexport const { fetch } = app"],
    ['a Request handler', "export { POST as fetch } from './src/app/callbacks/route'"],
  ])('receive callbacks with %s, and reject others', async (name, entry) => {
    vi.stubEnv('CALLBACK_SECRET', CALLBACK_SECRETS[1])
    const output = vi.spyOn(console, 'log').mockReturnValue()
    onTestFinished(() => {
      output.mockRestore()
      vi.unstubAllEnvs()
    })
    const file = join(project.folder, `${name.replaceAll(' ', '-')}.mjs`)
    await writeFile(file, await bundleForNode(project, entry))
    const module: unknown = await import(/* @vite-ignore */ pathToFileURL(file).href)
    const url = await serve(listenerOf(module))

    const gateway = await startTestGateway(callbackVariables(url))
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as()))
    await postFile(uploadURL, testcardFile())
    await vi.waitFor(() => {
      expect(output.mock.calls.at(-1)?.[0]).toMatch(
        new RegExp(`^publish the post of ${uid}, \\d+(?:\\.\\d+)? s$`),
      )
    }, 10_000)
    expect(output.mock.calls[0]?.[0]).toBe(`upload.created ${uid}`)

    const unsigned = await fetch(url, { method: 'POST', body: '{}' })
    expect([unsigned.status, await unsigned.text()]).toEqual([
      401,
      'The header webhook-id is missing.',
    ])
  })
})

/** Compiles `headgate/callbacks` into the project. */
async function installGateway({ folder }: Frontend): Promise<void> {
  const target = join(folder, 'node_modules/headgate')
  await mkdir(target)
  await symlink(join(repository, 'package.json'), join(target, 'package.json'))
  await symlink(join(repository, 'schema'), join(target, 'schema'))
  const options = {
    ignoreConfig: '',
    rootDir: 'src',
    outDir: join(target, 'dist'),
    target: 'es2023',
    lib: 'es2023,dom,dom.iterable',
    module: 'nodenext',
    rewriteRelativeImportExtensions: '',
    declaration: '',
  }
  const flags = Object.entries(options).flatMap(([name, value]) =>
    [`--${name}`, value].filter((argument) => argument !== ''),
  )
  const compiler = join(repository, 'node_modules/typescript/bin/tsc')
  const args = [compiler, ...flags, 'src/callbacks/receiver.ts']
  await promisify(execFile)(process.execPath, args, { cwd: repository })
}

/** Returns the listener of a module that exports `listener`, or `fetch`. */
function listenerOf(module: unknown): RequestListener {
  if (!isRecord(module)) throw new Error('The bundle is no module.')
  const { listener, fetch: handler } = module
  if (isListener(listener)) return listener
  if (!isHandler(handler)) throw new Error('The module exports neither a listener nor fetch.')
  const adapter = createServerAdapter((request: Request) => handler(request))
  return (request, response) => void adapter.handle(request, response)
}

function isListener(value: unknown): value is RequestListener {
  return typeof value === 'function'
}

function isHandler(value: unknown): value is (request: Request) => Promise<Response> {
  return typeof value === 'function'
}

/** Serves on a free port until the test ends; returns the URL of the callbacks. */
async function serve(listener: RequestListener): Promise<string> {
  return `${(await listenInTest(createServer(listener))).origin}/callbacks`
}
