/** GraphQL over HTTP, as its specification has it. */
import { it } from 'vitest'
import { expectAllAudits } from '../contracts/http-audits.ts'
import { TEST_SECRET, startTestGateway } from '../kit/gateway.ts'

it('passes every audit of GraphQL over HTTP, with tokens on, cold and warm', async () => {
  const { url } = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
  await expectAllAudits(url)
})
