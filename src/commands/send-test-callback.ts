/** Sends a callback about a made-up upload, so that an operator sees what the target answers. */
import { type AttemptResult, sendCallback } from '../callbacks/send-callback.ts'
import { sendByHttp } from '../callbacks/send-by-http.ts'
import { createCallbackSigner } from '../callbacks/signature.ts'
import { createCallbackTransport } from '../node/deliver-callbacks.ts'
import { systemClock } from '../shared/clock.ts'
import { uuidV7 } from '../shared/uuid-v7.ts'
import { callbackPayload } from '../uploads/callbacks/callback-payload.ts'
import { mintedUpload } from '../uploads/minted-upload.ts'
import { MAX_BASIC_BYTES } from '../uploads/limits.ts'
import type { Upload } from '../uploads/upload.ts'

/** Uid of the made-up upload: no video of Stream has it. */
const TEST_UID = '0'.repeat(32)

/** Sends once, without retries. */
export async function sendTestCallback(
  target: string,
  secrets: readonly string[],
): Promise<AttemptResult> {
  const transport = createCallbackTransport()
  const now = systemClock.now()
  const body = JSON.stringify(callbackPayload('upload.updated', testUpload(now)))
  const sign = createCallbackSigner(secrets)
  try {
    const dependencies = { send: sendByHttp(transport.send), sign, clock: systemClock }
    return await sendCallback(dependencies, { id: uuidV7(now), body }, target)
  } finally {
    await transport.close()
  }
}

function testUpload(now: Date): Upload {
  const made: Parameters<typeof mintedUpload>[0] = {
    id: TEST_UID,
    protocol: 'BASIC',
    creator: 'headgate',
    name: 'Test callback of headgate',
    meta: { test: true },
    constraints: {
      maxDurationSeconds: 60,
      maxSizeBytes: MAX_BASIC_BYTES,
      allowedOrigins: [],
      requireSignedURLs: true,
      scheduledDeletion: null,
    },
    expiresAt: now,
    createdAt: now,
    totalBytes: null,
  }
  return mintedUpload(made, { uid: TEST_UID, uploadURL: '' }, now)
}
