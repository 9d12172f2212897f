/** A client that disconnects during a delay does not keep the emulator from closing. */
import { expect, it } from 'vitest'
import { startTestEmulator } from '../kit/emulator.ts'

it('closes after a client disconnected during a delay', async () => {
  const emulator = await startTestEmulator()
  await emulator.fault({ on: 'direct_upload', delayMs: 300 })
  const aborted = fetch(`${emulator.apiBaseUrl}/accounts/local/stream/direct_upload`, {
    method: 'POST',
    headers: { authorization: `Bearer ${emulator.token}` },
    body: '{"maxDurationSeconds":5}',
    signal: AbortSignal.timeout(100),
  })
  await expect(aborted).rejects.toThrow('aborted')
  await emulator.close()
})
