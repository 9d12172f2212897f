/** Runs the recipes of src/graphql/recipes.md that need no browser, as printed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { getNullableType, isObjectType } from 'graphql'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import {
  type Frontend,
  installClient,
  bundleForNode,
  createFrontend,
  hasNoPackages,
  packagesHint,
} from '../browser/kit/frontend.ts'
import { readRecipe } from '../browser/kit/recipe.ts'
import { compileRelay } from '../browser/kit/relay.ts'
import { schema } from '../../src/graphql/schema.ts'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard, testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile } from '../kit/operations.ts'

const PAGE = 'src/graphql/recipes.md'
const repository = new URL('../../', import.meta.url)

let frontend: Frontend
beforeAll(async () => {
  const names = [
    'src/operations.ts',
    'src/apollo-cache.ts',
    'src/live-list.ts',
    'src/graphql-request.ts',
    'curl.sh',
  ]
  frontend = await createFrontend(
    Object.fromEntries(names.map((name) => [name, readRecipe(PAGE, name)])),
  )
})
afterAll(() => frontend.remove())

/** Starts a process in the project; returns its output lines, and in the end its exit code and stderr. */
function start(
  command: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
) {
  const child = spawn(command, args, {
    cwd: frontend.folder,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stderrChunks: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => stderrChunks.push(text))
  const closed = once(child, 'close')
  return {
    lines: createInterface(child.stdout),
    async end() {
      await closed
      return { code: child.exitCode, stderr: stderrChunks.join('') }
    },
  }
}

async function runModule(code: string) {
  const script = await bundleForNode(frontend, code)
  return start(process.execPath, ['--input-type=module', '--eval', script])
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const seen: string[] = []
  for await (const line of lines) seen.push(line)
  return seen
}

async function startCurl(variables: Readonly<Record<string, string>>) {
  const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET, ...variables })
  return start('sh', ['curl.sh'], {
    HEADGATE: `${gateway.url}/graphql`,
    TOKEN: await tokenFor('ada'),
    FILE: testcard.path,
  })
}

it.skipIf(hasNoPackages)(
  'lists the possible types of each interface, and the types without an id, as the schema does',
  async () => {
    const { lines } = await runModule(`
    import { possibleTypes, typePolicies } from './src/apollo-cache'
    console.log(JSON.stringify({ possibleTypes, merged: Object.keys(typePolicies) }))`)
    const interfaces = Object.values(schema.getTypeMap())
      .filter((type) => 'getInterfaces' in type)
      .toSorted((a, b) => a.name.localeCompare(b.name))
    const possible: Record<string, string[]> = {}
    for (const type of interfaces) {
      for (const { name } of type.getInterfaces()) (possible[name] ??= []).push(type.name)
    }
    const upload = schema.getType('Upload')
    if (!isObjectType(upload)) throw new Error('The schema has no type Upload.')
    const withoutId = Object.values(upload.getFields())
      .map(({ type }) => getNullableType(type))
      .filter((type) => isObjectType(type) && !('id' in type.getFields()))
      .map(String)
    expect(withoutId).toContain('Video')
    expect(JSON.parse((await all(lines)).join(''))).toEqual({
      possibleTypes: possible,
      merged: expect.arrayContaining(withoutId),
    })
  },
)

it.skipIf(hasNoPackages)(`compile under strict${packagesHint}`, { timeout: 60_000 }, async () => {
  const text = readFileSync(new URL(PAGE, repository), 'utf8')
  const names = [...text.matchAll(/^```\w+ (\S+\.(?:ts|json))$/gm)].map(([, name = '']) => name)
  const files = names.map((name): [string, string] => [name, readRecipe(PAGE, name)])
  const project = await createFrontend(Object.fromEntries(files))
  onTestFinished(project.remove)
  await Promise.all([compileRelay(project, readRecipe(PAGE, 'relay.sh')), installClient(project)])
  const flags =
    '--strict --noUncheckedIndexedAccess --noEmit --skipLibCheck --target es2023 --module preserve --types node'
  const sources = names.filter((name) => name.endsWith('.ts'))
  const { code, stdout } = await project.run('tsc', ...flags.split(' '), ...sources)
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(sources.length).toBeGreaterThan(15)
})

it('ignores changes before the first page, and completes old results without losing fields', async () => {
  const { lines } = await runModule(`
    import { applyEvent, createVersionFilter } from './src/live-list'
    const changed = { cursor: 'a', node: { id: '1' } }
    const keepNewest = createVersionFilter()
    const read = (version, video) =>
      keepNewest([{ __typename: 'Upload', id: '1', version, video }])[0]
    console.log(JSON.stringify([
      applyEvent(null, { page: null, changed, isListed: true }),
      read(2, { durationSeconds: 6 }),
      read(1, { durationSeconds: null, hlsURL: 'https://example.com' }),
    ]))`)
  const upload = { __typename: 'Upload', id: '1', version: 2 }
  expect(JSON.parse((await all(lines)).join(''))).toEqual([
    null,
    { ...upload, video: { durationSeconds: 6 } },
    { ...upload, video: { durationSeconds: 6, hlsURL: 'https://example.com' } },
  ])
})

it('is tested with the packages that the pages tell the reader to install', () => {
  const pages = [
    'src/graphql/recipes.md',
    'src/graphql/typed-operations.md',
    'src/client/README.md',
    'src/graphql/app.md',
  ]
  const packageNames = pages.flatMap((page) => {
    const text = readFileSync(new URL(page, repository), 'utf8')
    return [...text.matchAll(/^npm install (?:--save-dev )?([\w@/. -]+)/gm)].flatMap(
      ([, packages = '']) => packages.split(' '),
    )
  })
  const dependencies = z.record(z.string(), z.string())
  const manifest = z.object({ dependencies, devDependencies: dependencies.default({}) })
  const installed = new Set(
    ['test/recipes/package.json', 'package.json'].flatMap((path) => {
      const text = readFileSync(new URL(path, repository), 'utf8')
      return Object.values(manifest.parse(JSON.parse(text))).flatMap(Object.keys)
    }),
  )
  expect(packageNames.length).toBeGreaterThan(15)
  expect(packageNames.filter((name) => !name.endsWith('.tgz') && !installed.has(name))).toEqual([])
})

describe.skipIf(hasNoPackages)(`the recipe for graphql-request${packagesHint}`, () => {
  it('uploads a file until READY and reports a rejected input', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const settings = { path: testcard.path, url: `${gateway.url}/graphql` }
    const code = (input: object, token: string): string => `
      import { upload } from './src/graphql-request'
      const { path, url } = ${JSON.stringify(settings)}
      const params = { url, getToken: async () => '${token}', onChange: ({ status }) => console.log(status) }
      try {
        await upload(path, { ...params, input: ${JSON.stringify(input)} })
      } catch (error) {
        console.log(error.__typename, error.code, error.issues[0].path.join())
      }`
    const token = await tokenFor('ada')
    const good = await runModule(code({ maxDurationSeconds: 60 }, token))
    expect((await all(good.lines)).at(-1)).toBe('READY')
    expect(await good.end()).toEqual({ code: 0, stderr: '' })
    const bad = await runModule(code({ maxDurationSeconds: 0 }, token))
    expect(await all(bad.lines)).toEqual(['InvalidInputError INVALID_INPUT maxDurationSeconds'])
  })

  it('continues to watch with a new token after the first one expires', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const inAMinute = Math.floor(Date.now() / 1000) + 60
    const tokens = [await tokenFor('ada', { exp: inAMinute }), await tokenFor('ada')]
    const { uid, uploadURL } = expectMinted(await createDirectUpload(gateway.as(tokens[1])))
    const watching = await runModule(`
      import { createClient } from 'graphql-sse'
      import { watch } from './src/graphql-request'
      const tokens = ${JSON.stringify(tokens)}
      const headers = () => ({ authorization: 'Bearer ' + tokens.shift() })
      const events = createClient({ url: '${gateway.url}/graphql', headers })
      await watch(events, '${uid}', ({ status }) => console.log(status))`)
    const seen: string[] = []
    for await (const line of watching.lines) {
      seen.push(line)
      if (seen.length === 1) gateway.clock.advance(90)
      if (seen.length === 2) await postFile(uploadURL, testcardFile())
    }
    expect(seen.slice(0, 2)).toEqual(['PENDING_UPLOAD', 'PENDING_UPLOAD'])
    expect(seen.at(-1)).toBe('READY')
    expect(await watching.end()).toEqual({ code: 0, stderr: '' })
  })
})

describe('the recipe for curl', () => {
  it('uploads a file until READY', async () => {
    const script = await startCurl({})
    expect((await all(script.lines)).at(-1)).toBe('READY')
    expect(await script.end()).toEqual({ code: 0, stderr: '' })
  })

  it('prints the error of a rejected creation', async () => {
    const script = await startCurl({ CREATOR_QUOTA_MINUTES: '5' })
    expect(await all(script.lines)).toEqual([])
    expect(await script.end()).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^Nothing was minted: .*"code":"QUOTA_EXCEEDED"/),
    })
  })
})
