/** A client that is gone before its work begins: the emulator lets go of it, and closes. */
import { expect, it } from 'vitest'
import { startTestEmulator } from '../kit/emulator.ts'

it('closes although a client left during a delay', async () => {
  const emulator = await startTestEmulator()
  await emulator.fault({ on: 'direct_upload', delayMs: 300 })
  const left = fetch(`${emulator.apiBaseUrl}/accounts/local/stream/direct_upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${emulator.token}` },
    body: '{"maxDurationSeconds":5}',
    signal: AbortSignal.timeout(100),
  })
  await expect(left).rejects.toThrow('aborted')
  await emulator.close()
})
