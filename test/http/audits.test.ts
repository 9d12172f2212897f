/** Audits of the GraphQL-over-HTTP specification against the Node host. */
import { expect, it } from 'vitest'
import { failedAudits } from '../contracts/http-audits.ts'
import { TEST_SECRET, startTestGateway } from '../kit/gateway.ts'

it('passes every GraphQL-over-HTTP audit with authentication enabled, on cold and warm caches', async () => {
  const { url } = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  expect(await failedAudits(url)).toEqual([])
})
