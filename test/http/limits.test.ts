/** Bounds on what one operation may ask for: what is the same everywhere, and what takes Node's clock. */
import { describe, expect, it } from 'vitest'
import { OPERATION_TIMEOUT_MS } from '../../src/http/graphql/plugins/operation-timeout.ts'
import { sendQuery, describeLimits } from '../contracts/http-limits.ts'
import { type LogLine, startTestGateway } from '../kit/gateway.ts'

describeLimits('on Node', async (variables) => {
  const gateway = await startTestGateway(variables)
  const as = (token?: string) => gateway.as(token)
  return {
    url: gateway.url,
    as,
    webhookSecret: () => Promise.reject(new Error('Nobody asks for it.')),
  }
})

const times = (count: number, one: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => one(index)).join(' ')

describe('fifty aliases that mint', () => {
  it('count fifty', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '49' })
    const mint = 'createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename }'
    const { text } = await sendQuery(gateway, `mutation { ${times(50, (n) => `a${n}: ${mint}`)} }`)
    expect(text.match(/CreateDirectUploadSuccess/g)).toHaveLength(49)
    expect(text.match(/RateLimitedError/g)).toHaveLength(1)
    expect((await gateway.emulator.state()).requests['direct_upload']).toBe(49)
  })
})

function tellsOfAnEnd({ message }: LogLine): boolean {
  return /minting failed|upload minted|minted too late/.test(message)
}

describe('an operation', () => {
  it('that takes too long is answered, and starts nothing more', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', times: 2, delayMs: 1000 })
    const mint = 'createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename }'
    const asked = sendQuery(gateway, `mutation { a: ${mint} b: ${mint} }`)
    while (((await gateway.emulator.state()).requests['direct_upload'] ?? 0) === 0);
    gateway.clock.advance(OPERATION_TIMEOUT_MS / 1000)
    const { status, text } = await asked
    expect([status, text]).toEqual([200, expect.stringContaining('"code":"TIMEOUT"')])
    // The first goes on to its own end; the second is never asked for.
    while (!gateway.logs.some(tellsOfAnEnd)) await new Promise(setImmediate)
    expect((await gateway.emulator.state()).requests['direct_upload']).toBe(1)
  })
})
