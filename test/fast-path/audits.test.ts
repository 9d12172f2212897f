/** Audits of GraphQL over HTTP, three rounds: Yoga responds in the first, the fast path in the last if it can. */
import { serverAudits } from 'graphql-http'
import { expect, it } from 'vitest'
import { tokenFor } from '../kit/gateway.ts'
import { createSetup } from './setup.ts'

const REQUEST_ID = 'x-request-id'

it('passes all audits with equal responses in a cold, a warm and a fast-path round', async () => {
  const setup = await createSetup()
  const authorization = `Bearer ${await tokenFor('ada')}`

  /** Runs all audits. Returns the responses in the order of the audits. */
  async function round(): Promise<{
    failed: readonly string[]
    responses: object[]
    byFastPath: number
  }> {
    const responses: object[] = []
    let byFastPath = 0
    const fetchFn = async (input: string, init: RequestInit = {}): Promise<Response> => {
      const headers = new Headers(init.headers)
      headers.set('authorization', authorization)
      const response = await fetch(input, { ...init, headers })
      const id = response.headers.get(REQUEST_ID) ?? ''
      if (setup.usedFastPath(id)) byFastPath += 1
      const text = (await response.clone().text()).replaceAll(id, '<request id>')
      const kept = [...response.headers].filter(([name]) => name !== 'date' && name !== REQUEST_ID)
      responses.push({ status: response.status, headers: kept, text })
      return response
    }
    const failed: string[] = []
    for (const { name, fn } of serverAudits({ url: `${setup.fast}/graphql`, fetchFn })) {
      if ((await fn()).status !== 'ok') failed.push(name)
    }
    return { failed, responses, byFastPath }
  }

  const [cold, warm, last] = [await round(), await round(), await round()]
  expect([cold.failed, warm.failed, last.failed]).toEqual([[], [], []])
  expect(warm.responses).toEqual(cold.responses)
  expect(last.responses).toEqual(cold.responses)
  expect(cold.responses.length).toBeGreaterThan(60)
  expect(last.byFastPath).toBeGreaterThan(10)
})
