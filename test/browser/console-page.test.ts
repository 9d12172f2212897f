/** The console's door without a browser: who gets the page, who the list, and what is cached. */
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
const options: ConsoleOptions = {
  files: [
    { path: 'index.html', bytes: bytes('<meta name="headgate-auth" content="unknown" />') },
    { path: 'index-1a2b.js', bytes: bytes('run()') },
  ],
  uploadSources: ['https://upload.example'],
  playSources: ['https://play.example'],
  requiresToken: true,
}
const front = createIndexHandler('the list', options)
const files = withConsoleAssets(options, async () => textResponse(404, 'none'))

function ask(path: string, accept: string, method = 'GET'): Request {
  return new Request(`http://gateway.example${path}`, { method, headers: { accept } })
}

describe('the front door', () => {
  it('shows the page to browsers, under a policy, and says who is asked for a token', async () => {
    const response = await front(ask('/', 'text/html,*/*;q=0.8'))
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

  it('lists the doors for everybody else, and where there is no console', async () => {
    expect(await (await front(ask('/', '*/*'))).text()).toBe('the list\n')
    const bare = createIndexHandler('the list', null)
    expect(await (await bare(ask('/', 'text/html'))).text()).toBe('the list\n')
    const unbuilt = createIndexHandler('the list', { ...options, files: [] })
    expect(await (await unbuilt(ask('/', 'text/html'))).text()).toBe('the list\n')
  })

  it('takes GET and HEAD only', async () => {
    expect(await (await front(ask('/', 'text/html', 'HEAD'))).text()).toBe('')
    expect((await front(ask('/', 'text/html', 'POST'))).status).toBe(405)
  })
})

describe("the console's files", () => {
  it('are kept by browsers for good', async () => {
    const response = await files(ask(`${CONSOLE_BASE}index-1a2b.js`, '*/*'))
    expect(await response.text()).toBe('run()')
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    const head = await files(ask(`${CONSOLE_BASE}index-1a2b.js`, '*/*', 'HEAD'))
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect((await files(ask(`${CONSOLE_BASE}index-1a2b.js`, '*/*', 'POST'))).status).toBe(405)
  })

  it.each(['index.html', '../package.json', '%2e%2e/package.json', 'index-1a2b.js/', ''])(
    'are these and no others: %s',
    async (path) => {
      expect((await files(ask(CONSOLE_BASE + path, '*/*'))).status).toBe(404)
    },
  )
})

describe('the hosts that the page may reach', () => {
  it('are those of Stream with an account, and that of an emulator instead of it', () => {
    const account = { kind: 'account', accountId: 'a', apiToken: 't' } as const
    const baseURL = 'https://api.cloudflare.com/client/v4'
    const { uploadSources, playSources } = consoleSources({ ...account, baseURL }, null)
    expect(uploadSources).toContain('https://upload.videodelivery.net')
    expect(playSources).toEqual(['https://*.cloudflarestream.com', 'https://*.videodelivery.net'])
    const elsewhere = { ...account, baseURL: 'http://127.0.0.1:4101/client/v4' }
    expect(consoleSources(elsewhere, null).playSources).toContain('http://127.0.0.1:4101')
    const embedded = 'http://127.0.0.1:4001'
    expect(consoleSources(elsewhere, embedded)).toEqual({
      uploadSources: [embedded],
      playSources: [embedded],
    })
  })
})
