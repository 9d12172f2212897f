/** Request targets that cost much time. */
import { expect, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'

/** As long as the headers of a request may be, without the others. */
const LENGTH = 15_000

/** Microseconds of processor time that this process needs for 20 requests, with the emulator in it. */
async function processorTime(url: string): Promise<number> {
  const before = process.cpuUsage()
  for (let count = 0; count < 20; count += 1) expect((await fetch(url)).status).toBe(404)
  const { user, system } = process.cpuUsage(before)
  return user + system
}

test('a long path of dots costs no more time than one of letters', async () => {
  const { url } = await startTestEmulator()
  await processorTime(`${url}/${'a'.repeat(LENGTH)}`)
  const usual = await processorTime(`${url}/${'a'.repeat(LENGTH)}`)
  expect(await processorTime(`${url}/${'.'.repeat(LENGTH)}`)).toBeLessThan(usual * 5)
})
