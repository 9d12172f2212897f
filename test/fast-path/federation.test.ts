/** `_entities` on the fast path: the response of the fallback, with the owner's uploads only. */
import { expect, it } from 'vitest'
import { tokenFor } from '../kit/gateway.ts'
import { WARM_UP_RUNS, sendOperation } from './both-paths.ts'
import { comparable } from './send-request.ts'
import { seedUploads } from './seed-uploads.ts'
import { createSetup } from './setup.ts'

const QUERY = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { __typename ... on Upload { uid status video { durationSeconds } } }
}`

it.each(['creator-0', 'creator-1'])('responds to %s like the fallback', async (subject) => {
  const setup = await createSetup({ federation: true })
  const { uids } = seedUploads(setup.databaseFile, setup.clock.now())
  const headers = { authorization: `Bearer ${await tokenFor(subject)}` }
  const representations = uids.slice(0, 100).map((uid) => ({ __typename: 'Upload', uid }))
  const operation = { query: QUERY, variables: { representations }, headers }
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await sendOperation(setup.fast, operation)
  const fast = await sendOperation(setup.fast, operation)
  expect(setup.usedFastPath(fast.requestId)).toBe(true)
  expect(comparable(fast)).toEqual(comparable(await sendOperation(setup.fallback, operation)))
  expect(fast.text).toContain('{"__typename":"Upload"')
  expect(fast.text).toContain(',null,')
  const invalid = { query: QUERY, variables: { representations: [1] }, headers }
  const rejected = await sendOperation(setup.fast, invalid)
  expect(comparable(rejected)).toEqual(comparable(await sendOperation(setup.fallback, invalid)))
})
