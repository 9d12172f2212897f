/** Lines that break at any byte: what arrived is kept, HEAD says how much, and the file comes whole. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import * as fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'

import { startTestEmulator } from '../kit/emulator.ts'
import { openRequest, send, until } from './kit/raw-request.ts'
import { openStream } from './kit/stream-client.ts'
import { offsetOf, patch } from './kit/tus-client.ts'

/** More than waits for the disk at a time, so that some lines break while a sender is held back. */
const FILE_BYTES = 4_567_890

/** No two places of it are alike: a byte that is lost, doubled or moved changes the sum. */
const film = new Uint8Array(FILE_BYTES)
createHash('shake256', { outputLength: FILE_BYTES }).update('film').digest().copy(film)

/** One sender: how much of what is left it sends before it hangs up, and whether it says how much comes. */
const sender = fc.record({
  share: fc.double({ min: 0, max: 0.9, noNaN: true }),
  saysItsSize: fc.boolean(),
})

test('a file that is sent over lines that break at any byte comes whole', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'headgate-emulator-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const stream = openStream(await startTestEmulator({ directory }))

  await fc.assert(
    fc.asyncProperty(fc.array(sender, { minLength: 1, maxLength: 4 }), async (senders) => {
      const { uid, uploadURL } = await stream.mintTus(FILE_BYTES)
      let offset = 0
      for (const { share, saysItsSize } of senders) {
        const bytes = 1 + Math.floor((FILE_BYTES - offset) * share)
        await sendAndHangUp(uploadURL, offset, bytes, saysItsSize)
        offset += bytes
        expect(await offsetOf(uploadURL)).toBe(offset)
      }
      expect((await patch(uploadURL, offset, film.slice(offset))).status).toBe(204)
      const kept = await readFile(join(directory, 'files', uid))
      expect(sha256(kept)).toBe(sha256(film))
      await stream.call('DELETE', `/${uid}`)
    }),
    { numRuns: 25 },
  )
})

/** Sends so many bytes of the film, cuts the line, and waits until the server is done with it. */
async function sendAndHangUp(
  uploadURL: string,
  offset: number,
  bytes: number,
  saysItsSize: boolean,
): Promise<void> {
  const open = openRequest(uploadURL, 'PATCH', {
    'tus-resumable': '1.0.0',
    'upload-offset': String(offset),
    'content-type': 'application/offset+octet-stream',
    ...(saysItsSize
      ? { 'content-length': String(FILE_BYTES - offset) }
      : { 'transfer-encoding': 'chunked' }),
  })
  await send(open.line, film.subarray(offset, offset + bytes))
  await until(async () => (await offsetOf(uploadURL)) > offset)
  open.line.destroy()
  // An offset beyond the file's end is never right: 423 while somebody sends, 409 afterwards.
  await until(async () => (await patch(uploadURL, FILE_BYTES + 1, new Uint8Array())).status === 409)
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
