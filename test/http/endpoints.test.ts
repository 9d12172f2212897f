/** Endpoints of the Node host: the common contract, error masking and webhooks. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { describeEndpoints } from '../contracts/http-endpoints.ts'
import { TEST_SECRET, type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { testcardFile } from '../kit/media.ts'
import { createDirectUpload, expectMinted, postFile, watchToEnd } from '../kit/operations.ts'

function post({ url }: TestGateway, body: string): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return fetch(`${url}/graphql`, { method: 'POST', headers, body })
}

async function secretOf(gateway: TestGateway): Promise<string> {
  const response = await fetch(`${gateway.emulator.apiBaseUrl}/accounts/local/stream/webhook`, {
    headers: { authorization: 'Bearer local-token' },
  })
  const text = await response.text()
  return /"secret":"(\w+)"/.exec(text)?.[1] ?? ''
}

describeEndpoints('on Node', async (variables) => {
  const gateway = await startTestGateway(variables)
  return {
    url: gateway.url,
    as: (token) => gateway.as(token),
    webhookSecret: () => secretOf(gateway),
  }
})

describe('/graphql', () => {
  it('serves GraphiQL and its files to a browser', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const response = await fetch(`${gateway.url}/graphql`, { headers: { accept: 'text/html' } })
    expect(response.status).toBe(200)
    const page = await response.text()
    const [, script = ''] = /<script src="([^"]+)">/.exec(page) ?? []
    expect(await (await fetch(gateway.url + script)).text()).toContain('createDirectUpload')
    expect(page).not.toMatch(/<(?:script|link)[^>]+(?:src|href)=["']?https?:/)
  })

  it('returns only the request id of an unexpected error and logs the complete error', async () => {
    const gateway = await startTestGateway()
    new Database(gateway.databaseFile).exec('alter table uploads rename to gone').close()
    const response = await post(gateway, '{"query":"{ uploads { totalCount } }"}')
    const text = await response.text()
    expect(text).not.toMatch(/sqlite|table|gone/i)
    const [, requestId] = /"requestId":"([\w.-]+)"/.exec(text) ?? []
    expect(gateway.logs).toContainEqual({
      level: 'error',
      message: 'unexpected error',
      fields: { requestId, err: expect.objectContaining({ message: expect.any(String) }) },
    })
  })

  it('returns STREAM_UNAVAILABLE if Stream does not respond', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'storage_usage', times: 1, status: 500 })
    const response = await post(gateway, '{"query":"{ storageUsage { videoCount } }"}')
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'STREAM_UNAVAILABLE' } }],
    })
  })
})

describe('/webhooks/stream', () => {
  it('delivers READY without polling Stream', async () => {
    const gateway = await startTestGateway()
    const caller = gateway.as()
    const { uid, uploadURL } = expectMinted(await createDirectUpload(caller))
    const watched = watchToEnd(caller, uid)
    await postFile(uploadURL, testcardFile())
    expect((await watched).at(-1)?.status).toBe('READY')
    expect(gateway.logs.map((line) => line.message)).toContain('webhook applied')
  })
})
