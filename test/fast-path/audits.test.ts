/** The audits of GraphQL over HTTP three times: the first by Yoga, the last by the lane where it can. */
import { serverAudits } from 'graphql-http'
import { expect, it } from 'vitest'
import { tokenFor } from '../kit/gateway.ts'
import { setSetup } from './setup.ts'

const REQUEST_ID = 'x-request-id'

it('are passed the same, answer for answer, cold, warm and by the lane', async () => {
  const setup = await setSetup()
  const authorization = `Bearer ${await tokenFor('ada')}`

  /** All answers of one round, in the order of the audits. */
  async function round(): Promise<{
    failed: readonly string[]
    answers: object[]
    byLane: number
  }> {
    const answers: object[] = []
    let byFastPath = 0
    const fetchFn = async (input: string, init: RequestInit = {}): Promise<Response> => {
      const headers = new Headers(init.headers)
      headers.set('authorization', authorization)
      const response = await fetch(input, { ...init, headers })
      const id = response.headers.get(REQUEST_ID) ?? ''
      if (setup.answeredByLane(id)) byFastPath += 1
      const text = (await response.clone().text()).replaceAll(id, '<its id>')
      const kept = [...response.headers].filter(([name]) => name !== 'date' && name !== REQUEST_ID)
      answers.push({ status: response.status, headers: kept, text })
      return response
    }
    const failed: string[] = []
    for (const { name, fn } of serverAudits({ url: `${setup.fast}/graphql`, fetchFn })) {
      if ((await fn()).status !== 'ok') failed.push(name)
    }
    return { failed, answers, byLane: byFastPath }
  }

  const [cold, warm, last] = [await round(), await round(), await round()]
  expect([cold.failed, warm.failed, last.failed]).toEqual([[], [], []])
  expect(warm.answers).toEqual(cold.answers)
  expect(last.answers).toEqual(cold.answers)
  expect(cold.answers.length).toBeGreaterThan(60)
  expect(last.byLane).toBeGreaterThan(10)
})
