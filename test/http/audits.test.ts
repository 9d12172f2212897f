/** GraphQL over HTTP, as its specification has it. */
import { expect, it } from 'vitest'
import { failedAudits } from '../contracts/http-audits.ts'
import { TEST_SECRET, startTestGateway } from '../kit/gateway.ts'

it('passes every audit of GraphQL over HTTP, with tokens on, cold and warm', async () => {
  const { url } = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  expect(await failedAudits(url)).toEqual([])
})
