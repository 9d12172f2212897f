/** Callbacks from the gateway on Workers: recorded in D1, delivered by the hub. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifyCallback } from '../../src/callbacks/verify-callback.ts'
import {
  CALLBACK_SECRETS,
  type ReceivedCallback,
  callbackVariables,
  startCallbackTarget,
  status,
} from '../kit/callback-target.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { startWorker } from '../kit/gateway-worker.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  deleteUpload,
  expectMinted,
  postFile,
  watchToEnd,
} from '../kit/operations.ts'

let emulator: TestEmulator
beforeAll(async () => {
  emulator = await startTestEmulator()
})
afterAll(() => emulator.close())

const typesOf = (received: readonly ReceivedCallback[]): string[] =>
  received.map(({ payload }) => payload.type)

it(
  'callbacks come in order, from a change to the deletion, whatever another target does',
  { timeout: 30_000 },
  async () => {
    const [target, hanging, failing] = [
      await startCallbackTarget(),
      await startCallbackTarget(),
      await startCallbackTarget(),
    ]
    hanging.respond(() => undefined)
    failing.respond(status(500))
    const worker = await startWorker({
      variables: { AUTH_JWT_SECRET: TEST_SECRET, ...callbackVariables(target, hanging, failing) },
      stream: { emulator, by: 'binding' },
    })
    try {
      const ada = worker.as(await tokenFor('ada'))
      const { uid, uploadURL } = expectMinted(await createDirectUpload(ada))
      await target.first('upload.created')
      const watching = watchToEnd(ada, uid)
      await postFile(uploadURL, testcardFile())
      await watching
      await target.first('upload.ready')
      await deleteUpload(ada, uid)
      await target.first('upload.deleted')
      const versions = target.received.map(({ payload }) => payload.data.version)
      expect(versions).toEqual(versions.toSorted((a, b) => a - b))
      expect(new Set(target.received.map(({ id }) => id)).size).toBe(versions.length)
      for (const { id, body, headers, payload } of target.received) {
        expect(await verifyCallback(body, headers, CALLBACK_SECRETS[0])).toEqual({ id, ...payload })
      }
      expect(typesOf(hanging.received)).toEqual(['upload.created'])
      // The retry after five seconds.
      expect(typesOf(await failing.waitFor(2))).toEqual(['upload.created', 'upload.created'])
      expect(worker.lines.join('\n')).not.toContain('target-key')
    } finally {
      await worker.stop()
    }
  },
)
