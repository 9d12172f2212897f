/** GraphiQL: a small page, and immutable, compressed files that are not copied for each client. */
import { mkdtemp, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { textResponse } from '../../src/http/handler.ts'
import { createGraphiQL } from '../../src/http/pages/graphiql-page.ts'
import { readGraphiQL } from '../../src/node/graphiql-files.ts'
import { writeFiles } from '../../src/graphiql/write-files.ts'
import { TEST_SECRET, startTestGateway } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'

const HTML = { accept: 'text/html' }
const pathOf = (page: string, extension: string): string =>
  new RegExp(`"(/graphql/graphiql-[0-9a-f]{16}\\.${extension})"`).exec(page)?.[1] ?? 'none'

describe('the GraphiQL page', () => {
  it('is small and loads its script, styles and icon from the gateway', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const response = await fetch(`${gateway.url}/graphql`, { headers: HTML })
    const page = await response.text()
    expect(response.status).toBe(200)
    expect(page.length).toBeLessThan(2000)
    for (const [extension, type] of [
      ['js', 'text/javascript; charset=utf-8'],
      ['css', 'text/css; charset=utf-8'],
      ['ico', 'image/x-icon'],
    ] as const) {
      const file = await fetch(gateway.url + pathOf(page, extension))
      const bytes = await file.arrayBuffer()
      expect([file.status, file.headers.get('content-type')]).toEqual([200, type])
      expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
      expect(bytes.byteLength).toBeGreaterThan(1000)
    }
  })

  it('responds 304 to a client with the current ETag', async () => {
    const gateway = await startTestGateway()
    const first = await fetch(`${gateway.url}/graphql`, { headers: HTML })
    await first.text()
    expect(first.headers.get('cache-control')).toBe('no-cache')
    expect(first.headers.get('vary')).toContain('Accept')
    const etag = first.headers.get('etag') ?? ''
    const second = await fetch(`${gateway.url}/graphql`, {
      headers: { ...HTML, 'if-none-match': etag },
    })
    expect([second.status, await second.text()]).toEqual([304, ''])
  })

  it('has no files if introspection is disabled', async () => {
    const on = await startTestGateway()
    const page = await (await fetch(`${on.url}/graphql`, { headers: HTML })).text()
    const off = await startTestGateway({ INTROSPECTION: 'false' })
    expect((await fetch(off.url + pathOf(page, 'js'))).status).toBe(404)
  })
})

describe('clients that do not read', () => {
  it('do not cause copies of the script and do not count as requests in flight', async () => {
    const gateway = await startTestGateway()
    const page = await (await fetch(`${gateway.url}/graphql`, { headers: HTML })).text()
    const request = rawRequest(`GET ${pathOf(page, 'js')}`)
    const before = process.memoryUsage()
    const clients = await Promise.all(
      Array.from({ length: 100 }, async () => {
        const client = await openRaw(gateway.url)
        client.socket.pause()
        client.socket.write(request)
        return client
      }),
    )
    await Promise.all(
      clients.map(
        ({ socket }) =>
          new Promise((resolve) => {
            socket.once('readable', resolve)
          }),
      ),
    )
    const after = process.memoryUsage()
    // 100 copies of the script would be 800 MB.
    expect(after.external + after.heapUsed - before.external - before.heapUsed).toBeLessThan(100e6)
    expect((await scrape(gateway.url)).value('headgate_requests_in_flight')).toBe(0)
    for (const { socket } of clients) socket.destroy()
  })
})

describe('the built files', () => {
  it('are served compressed with equal content and written only if they are missing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'headgate-graphiql-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'graphiql-0000000000000000.js'), 'of an older version')
    await writeFiles(folder)
    const names = await readdir(folder)
    expect(names).toHaveLength(10)

    const { page, withFiles } = createGraphiQL(
      () => readGraphiQL(pathToFileURL(`${folder}/`)),
      false,
    )
    const handler = withFiles(async () => textResponse(404, 'not found'))
    const html = await (await page(new Request('http://x/graphql'))).text()
    const get = async (coding: string, method = 'GET') => {
      const headers = { 'accept-encoding': coding }
      return handler(new Request(`http://x${pathOf(html, 'js')}`, { method, headers }))
    }
    const script = join(folder, basename(pathOf(html, 'js')))
    await rename(script, `${script}.away`)
    await expect(get('')).rejects.toThrow('ENOENT')
    await rename(`${script}.away`, script)
    // A failed read is not kept.
    const whole = Buffer.from(await (await get('')).arrayBuffer())
    for (const [accepted, coding, decompress] of [
      ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
      ['gzip;q=1.0, br;q=0', 'gzip', gunzipSync],
    ] as const) {
      const response = await get(accepted)
      const bytes = Buffer.from(await response.arrayBuffer())
      expect(response.headers.get('content-encoding')).toBe(coding)
      expect(response.headers.get('vary')).toBe('Accept-Encoding')
      expect(response.headers.get('content-length')).toBe(String(bytes.length))
      expect(bytes.length).toBeLessThan(whole.length / 3)
      expect(decompress(bytes).equals(whole)).toBe(true)
    }
    const head = await get('br', 'HEAD')
    expect([head.headers.get('content-encoding'), await head.text()]).toEqual(['br', ''])
    expect((await get('', 'POST')).status).toBe(405)

    const compressed = names.find((name) => name.endsWith('.js.br')) ?? ''
    const longAgo = new Date(0)
    await utimes(join(folder, compressed), longAgo, longAgo)
    await writeFiles(folder)
    expect(await readdir(folder)).toEqual(names)
    expect((await stat(join(folder, compressed))).mtime).toEqual(longAgo)
  })
})
