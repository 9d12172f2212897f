/** Limits of one operation: the common contract, and the timeout, which needs the test clock of Node. */
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
    webhookSecret: () =>
      Promise.reject(new Error('The limits contract does not use the webhook secret.')),
  }
})

const repeat = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(' ')

describe('fifty aliases of createDirectUpload', () => {
  it('count as 50 creations', async () => {
    const gateway = await startTestGateway({ RATE_LIMIT_CREATES: '49' })
    const mint = 'createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename }'
    const { text } = await sendQuery(gateway, `mutation { ${repeat(50, (n) => `a${n}: ${mint}`)} }`)
    expect(text.match(/CreateDirectUploadSuccess/g)).toHaveLength(49)
    expect(text.match(/RateLimitedError/g)).toHaveLength(1)
    expect((await gateway.emulator.state()).requests['direct_upload']).toBe(49)
  })
})

function isMintOutcome({ message }: LogLine): boolean {
  return /minting failed|upload minted|reservation was released/.test(message)
}

describe('an operation', () => {
  it('returns TIMEOUT after its deadline and starts no further field', async () => {
    const gateway = await startTestGateway()
    await gateway.emulator.fault({ on: 'direct_upload', times: 2, delayMs: 1000 })
    const mint = 'createDirectUpload(input: { maxDurationSeconds: 1 }) { __typename }'
    const response = sendQuery(gateway, `mutation { a: ${mint} b: ${mint} }`)
    while (((await gateway.emulator.state()).requests['direct_upload'] ?? 0) === 0);
    gateway.clock.advance(OPERATION_TIMEOUT_MS / 1000)
    const { status, text } = await response
    expect([status, text]).toEqual([200, expect.stringContaining('"code":"TIMEOUT"')])
    // The first creation runs to its end; the second one never starts.
    while (!gateway.logs.some(isMintOutcome)) await new Promise(setImmediate)
    expect((await gateway.emulator.state()).requests['direct_upload']).toBe(1)
  })
})
