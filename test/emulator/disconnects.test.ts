/** A client that disconnects during a delay does not keep the emulator from closing. */
import { expect, it } from 'vitest'
import { startTestEmulator } from '../kit/emulator.ts'
import { testcardFile } from '../kit/media.ts'
import { openRaw, rawRequest } from '../kit/raw-client.ts'
import { pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'

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

it.each([
  ['an incomplete', 1000],
  ['a complete', 3],
])(
  'releases the upload URL of a client that left before %s form was read',
  async (_name, bytes) => {
    const emulator = await startTestEmulator()
    const stream = createStreamClient(emulator)
    const { uploadURL } = await stream.mintBasic({ maxDurationSeconds: 60 })
    await emulator.fault({ on: 'upload', delayMs: 100, times: 2 })
    const client = await openRaw(emulator.url)
    client.socket.write(
      rawRequest(`POST ${new URL(uploadURL).pathname}`, {
        'content-type': 'multipart/form-data; boundary=x',
        'content-length': String(bytes),
      }) + 'abc',
    )
    await pollUntil(async () => (await emulator.state()).requests['upload'] === 1)
    client.socket.destroy()
    expect((await stream.sendFile(uploadURL, testcardFile())).status).toBe(200)
    await emulator.close()
  },
)
