/** `meta` of videos whose many small values cost much time. */
import { expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { createStreamClient } from './kit/stream-client.ts'

const VIDEOS = 100
/** About 4 KB, as much as the gateway accepts. */
const ARRAYS = Array.from({ length: 1300 }, () => [])

/** Milliseconds of processor time of this process, with the emulator in it, for lists of videos with this `meta`. */
async function listTime(meta: Readonly<Record<string, unknown>>): Promise<number> {
  const stream = createStreamClient(await startTestEmulator({ encodeMs: 0 }))
  for (let video = 0; video < VIDEOS; video += 1) {
    await stream.mintBasic({ maxDurationSeconds: 60, meta })
  }
  const list = async () => (await stream.raw('GET', `?limit=${VIDEOS}`)).text()
  await list()
  const before = process.cpuUsage()
  for (let round = 0; round < 5; round += 1) await list()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

test('a list of videos with many small values in `meta` costs about as much as with long texts', async () => {
  const usual = await listTime({ text: 'x'.repeat(4000) })
  expect(await listTime({ arrays: ARRAYS })).toBeLessThan(usual * 5)
})
