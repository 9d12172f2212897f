/** Files deployed with the Worker: the console, and trusted documents. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import * as clientOperations from '../../src/client/gateway/operations.ts'
import { openEventStream, openSocket, until } from '../fast-path/subscription-clients.ts'
import { type TestWorker, startWorker } from '../kit/gateway-worker.ts'

const LIST = 'query List { uploads { totalCount } }'
const OTHER = 'query Other { uploads { totalCount nodes { uid } } }'
const WATCH = 'subscription Watch { uploadList { isListed } }'
const UNTRUSTED = { errors: [{ extensions: { code: 'UNTRUSTED_DOCUMENT' } }] }

const CONSOLE = {
  'index.html': '<!doctype html><meta name="headgate-auth" content="unknown" /><p>Console</p>',
  'index-1a2b.js': 'run()',
  'documents.json': JSON.stringify({ ofConsole: 'query Console { uploads { nodes { name } } }' }),
}

/** Starts a Worker with these files; those that are undefined are missing. */
async function startWith(
  files: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>> = {},
): Promise<TestWorker> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-assets-'))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const worker = await startWorker({
    variables: { AUTH_DISABLED: 'true', ...variables },
    assetsFolder: folder,
  })
  onTestFinished(async () => {
    await worker.stop()
    await rm(folder, { recursive: true, force: true })
  })
  return worker
}

function get({ url }: TestWorker, path: string, accept = 'text/html'): Promise<Response> {
  return fetch(url + path, { headers: { accept }, redirect: 'manual' })
}

async function post({ url }: TestWorker, body: object): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return response.json()
}

const message = z.object({ id: z.string(), type: z.string() })

function messageOf(text: string): string {
  const { id, type } = message.parse(JSON.parse(text))
  return `${id} ${type}`
}

describe('the console on Workers', () => {
  it('has its content security policy, the authentication mode, and assets that are cached', async () => {
    const worker = await startWith(CONSOLE)
    const page = await get(worker, '/')
    expect(await page.text()).toContain('content="disabled" /><p>Console</p>')
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; /)
    const asset = await get(worker, '/console/index-1a2b.js')
    expect(await asset.text()).toBe('run()')
    expect(asset.headers.get('cache-control')).toContain('immutable')
    expect(await (await get(worker, '/', '*/*')).text()).toContain('/webhooks/stream')
  })

  it('is the only content of the assets directory that is public', async () => {
    const worker = await startWith({ ...CONSOLE, 'persisted.json': '{}' })
    const paths = ['persisted.json', 'documents.json', 'index.html', 'index-1a2b.js']
    for (const path of paths.flatMap((name) => [`/${name}`, `/console/${name}`])) {
      const { status } = await get(worker, path)
      expect([path, status]).toEqual([path, path === '/console/index-1a2b.js' ? 200 : 404])
    }
  })

  it('is replaced by the list of endpoints without an assets directory', async () => {
    const worker = await startWorker({ variables: { AUTH_DISABLED: 'true' } })
    onTestFinished(() => worker.stop())
    expect(await (await get(worker, '/')).text()).toContain('/webhooks/stream')
  })
})

describe('trusted documents on Workers', () => {
  const variables = { TRUSTED_DOCUMENTS: 'persisted.json' }
  const listed = JSON.stringify({ list: LIST, watch: WATCH })

  it('are executed by id, hash and text, and others are rejected, over every transport', async () => {
    const worker = await startWith({ ...CONSOLE, 'persisted.json': listed }, variables)
    const sha256 = createHash('sha256').update(LIST).digest('hex')
    const expected = { data: { uploads: { totalCount: 0 } } }
    for (const body of [
      { documentId: 'list' },
      { documentId: `sha256:${sha256}` },
      { query: LIST },
    ])
      expect(await post(worker, body)).toEqual(expected)
    expect(await post(worker, { query: OTHER })).toMatchObject(UNTRUSTED)
    expect(
      await post(worker, { query: 'query Console { uploads { nodes { name } } }' }),
    ).toMatchObject({
      data: { uploads: { nodes: [] } },
    })

    const streams = [WATCH, OTHER].map((query) =>
      openEventStream(worker.url, JSON.stringify({ query })),
    )
    await until(() => streams[1]?.ended() !== null, 'the end')
    expect(JSON.parse(streams[1]?.results[0] ?? '')).toMatchObject(UNTRUSTED)
    expect(streams[0]?.ended()).toBeNull()
    streams[0]?.disconnect()
    const socket = await openSocket(worker.url)
    socket.send({ id: 'known', type: 'subscribe', payload: { query: LIST } })
    socket.send({ id: 'other', type: 'subscribe', payload: { query: OTHER } })
    await until(() => socket.messages.length >= 3, 'the results')
    expect(socket.messages.map((text) => messageOf(text)).toSorted()).toEqual([
      'known complete',
      'known next',
      'other error',
    ])

    const find = { query: clientOperations.FIND, variables: { uid: 'a'.repeat(32) } }
    expect(await post(worker, find)).toEqual({ data: { outcome: null } })
  })

  it('of a missing or invalid file stop every operation, with the reason in the log', async () => {
    for (const [file, reason] of [
      [{}, 'must be the path of a file in the assets directory'],
      [{ 'persisted.json': '{ "a1": "{ uplods }" }' }, 'contains the document a1'],
    ] as const) {
      const worker = await startWith({ ...CONSOLE, ...file }, variables)
      const response = await get(worker, '/graphql?query={__typename}', 'application/json')
      expect(response.status).toBe(500)
      await worker.logged('TRUSTED_DOCUMENTS', reason)
    }
  })
})
