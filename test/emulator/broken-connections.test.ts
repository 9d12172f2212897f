/** Connections that break at any byte: received bytes are stored, HEAD returns the offset, the file is complete. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { paddedTestcard, testcard } from '../kit/media.ts'
import { openRequest, writeBytes, pollUntil } from './kit/raw-request.ts'
import { createStreamClient } from './kit/stream-client.ts'
import { offsetOf, patch } from './kit/tus-client.ts'

/** Larger than the write buffer, so that some connections break while backpressure holds the client. */
const FILE_BYTES = 4_567_890

/** A video whose padding is pseudorandom: a lost, repeated or misplaced byte changes the hash. */
const film = new Uint8Array(await paddedTestcard(FILE_BYTES).arrayBuffer())
const padding = film.subarray(testcard.bytes.byteLength + 16)
createHash('shake256', { outputLength: padding.length }).update('film').digest().copy(padding)

/** One client: the share of the remaining bytes that it sends before it disconnects; with or without Content-Length. */
const attempt = fc.record({
  share: fc.double({ min: 0, max: 0.9, noNaN: true }),
  hasContentLength: fc.boolean(),
})

test('a file that is sent over connections that break at any byte is stored completely', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const stream = createStreamClient(await startTestEmulator({ directory }))

  await fc.assert(
    fc.asyncProperty(fc.array(attempt, { minLength: 1, maxLength: 4 }), async (attempts) => {
      const { uid, uploadURL } = await stream.mintTus(FILE_BYTES)
      let offset = 0
      for (const { share, hasContentLength } of attempts) {
        const bytes = 1 + Math.floor((FILE_BYTES - offset) * share)
        await sendAndDisconnect(uploadURL, offset, bytes, hasContentLength)
        offset += bytes
        expect(await offsetOf(uploadURL)).toBe(offset)
      }
      expect((await patch(uploadURL, offset, film.slice(offset))).status).toBe(204)
      const stored = await readFile(join(directory, 'files', uid))
      expect(sha256(stored)).toBe(sha256(film))
      await stream.call('DELETE', `/${uid}`)
    }),
    { numRuns: 25 },
  )
})

/** Sends `bytes` bytes of the film, destroys the connection, and waits until the server releases the lock. */
async function sendAndDisconnect(
  uploadURL: string,
  offset: number,
  bytes: number,
  hasContentLength: boolean,
): Promise<void> {
  const open = openRequest(uploadURL, 'PATCH', {
    'tus-resumable': '1.0.0',
    'upload-offset': String(offset),
    'content-type': 'application/offset+octet-stream',
    ...(hasContentLength
      ? { 'content-length': String(FILE_BYTES - offset) }
      : { 'transfer-encoding': 'chunked' }),
  })
  await writeBytes(open.request, film.subarray(offset, offset + bytes))
  await pollUntil(async () => (await offsetOf(uploadURL)) > offset)
  open.request.destroy()
  // An offset beyond the file's end is always rejected: 423 while the upload is locked, 409 afterwards.
  await pollUntil(
    async () => (await patch(uploadURL, FILE_BYTES + 1, new Uint8Array())).status === 409,
  )
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
