/** HTTP responses for the console's page and files: negotiation, headers, caching. */
import { describe, expect, it } from 'vitest'
import {
  CONSOLE_BASE,
  type ConsoleOptions,
  createIndexHandler,
  withConsoleAssets,
} from '../../src/http/pages/console-page.ts'
import { textResponse } from '../../src/http/handler.ts'
import { consoleSources } from '../../src/node/console-files.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const built = new Map([
  ['index.html', bytes('<meta name="headgate-auth" content="unknown" />')],
  ['index-1a2b.js', bytes('run()')],
  ['documents.json', bytes('{}')],
])
const options: ConsoleOptions = {
  read: async (name) => built.get(name) ?? null,
  uploadSources: ['https://upload.example'],
  playSources: ['https://play.example'],
  requiresToken: true,
}
const index = createIndexHandler('the endpoints', options)
const files = withConsoleAssets(options, async () => textResponse(404, 'none'))

function requestFor(path: string, accept: string, method = 'GET'): Request {
  return new Request(`http://gateway.example${path}`, { method, headers: { accept } })
}

describe('the index page', () => {
  it('sends the console to browsers, with a content security policy and the authentication mode', async () => {
    const response = await index(requestFor('/', 'text/html,*/*;q=0.8'))
    expect(await response.text()).toBe('<meta name="headgate-auth" content="token" />')
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(response.headers.get('vary')).toBe('Accept')
    const policy = response.headers.get('content-security-policy')?.split('; ') ?? []
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self'")
    expect(policy).toContain("connect-src 'self' https://upload.example")
    expect(policy).toContain('frame-src https://play.example')
    expect(policy.join()).not.toContain('unsafe')
  })

  it('lists the endpoints for other clients, and when no console is built', async () => {
    expect(await (await index(requestFor('/', '*/*'))).text()).toBe('the endpoints\n')
    const withoutConsole = createIndexHandler('the endpoints', null)
    expect(await (await withoutConsole(requestFor('/', 'text/html'))).text()).toBe(
      'the endpoints\n',
    )
    const unbuilt = createIndexHandler('the endpoints', { ...options, read: async () => null })
    expect(await (await unbuilt(requestFor('/', 'text/html'))).text()).toBe('the endpoints\n')
  })

  it('accepts only GET and HEAD', async () => {
    expect(await (await index(requestFor('/', 'text/html', 'HEAD'))).text()).toBe('')
    expect((await index(requestFor('/', 'text/html', 'POST'))).status).toBe(405)
  })
})

describe("the console's files", () => {
  it('are cached permanently', async () => {
    const response = await files(requestFor(`${CONSOLE_BASE}index-1a2b.js`, '*/*'))
    expect(await response.text()).toBe('run()')
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const head = await files(requestFor(`${CONSOLE_BASE}index-1a2b.js`, '*/*', 'HEAD'))
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await files(requestFor(`${CONSOLE_BASE}index-1a2b.js`, '*/*', 'POST'))).status).toBe(
      405,
    )
  })

  it.each([
    'index.html',
    'documents.json',
    '../package.json',
    '%2e%2e/package.json',
    'index-1a2b.js/',
    '',
  ])('are served only by exact name, not: %s', async (path) => {
    expect((await files(requestFor(CONSOLE_BASE + path, '*/*'))).status).toBe(404)
  })
})

describe('the hosts that the page may connect to', () => {
  it("are Stream's with an account, and the emulator's in place of Stream", () => {
    const account = { kind: 'account', accountId: 'a', apiToken: 't' } as const
    const baseURL = 'https://api.cloudflare.com/client/v4'
    const { uploadSources, playSources } = consoleSources({ ...account, baseURL }, null)
    expect(uploadSources).toContain('https://upload.videodelivery.net')
    expect(playSources).toEqual(['https://*.cloudflarestream.com', 'https://*.videodelivery.net'])
    const emulated = { ...account, baseURL: 'http://127.0.0.1:4101/client/v4' }
    expect(consoleSources(emulated, null).playSources).toContain('http://127.0.0.1:4101')
    const embedded = 'http://127.0.0.1:4001'
    expect(consoleSources(emulated, embedded)).toEqual({
      uploadSources: [embedded],
      playSources: [embedded],
    })
  })
})
