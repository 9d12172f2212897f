/** Creates uploads and records changes of them as observations of Stream. */
import { recordObservation } from '../../src/uploads/status/record-observation.ts'
import type { StreamVideo } from '../../src/uploads/ports/stream-api.ts'
import { sendOperation } from './both-paths.ts'
import { videoOf } from '../kit/samples.ts'
import type { Setup } from './setup.ts'

/** A change of the upload. Each increases its version by one. */
export type UploadChange = 'bytes' | 'queued' | 'encoding' | 'ready' | 'error' | 'deleted'

export interface TestUpload {
  readonly uid: string
  readonly record: (change: UploadChange) => Promise<void>
}

const SIZE_BYTES = 1_000_000
const MINT = /* GraphQL */ `
  mutation ($meta: JSONObject) {
    createTusUpload(input: { maxDurationSeconds: 60, sizeBytes: 1000000, meta: $meta }) {
      ... on CreateTusUploadSuccess {
        upload {
          uid
        }
      }
    }
  }
`

/** Mints an upload for the caller with these headers. */
export async function createTestUpload(
  setup: Setup,
  headers: Readonly<Record<string, string>> = {},
  meta: Readonly<Record<string, unknown>> = {},
): Promise<TestUpload> {
  const { text } = await sendOperation(setup.fallback, {
    query: MINT,
    headers,
    variables: { meta },
  })
  const [, uid = ''] = /"uid":"(\w+)"/.exec(text) ?? []
  if (uid === '') throw new Error(`Minting failed: ${text}`)
  let count = 0
  return {
    uid,
    async record(change) {
      count += 1
      const at = new Date(setup.clock.now().getTime() + count * 1000)
      const observation = (
        changes: Partial<StreamVideo>,
      ): Parameters<typeof recordObservation>[2] => ({
        kind: 'video',
        source: 'WEBHOOK',
        at,
        video: videoOf({ uid, sizeBytes: SIZE_BYTES, modifiedAt: at, ...changes }),
      })
      await recordObservation(
        setup.dependencies,
        uid,
        {
          bytes: { kind: 'offset', source: 'SYNC', at, receivedBytes: count * 1000 } as const,
          queued: observation({ state: 'queued' }),
          encoding: observation({ state: 'inprogress', encodingPercent: Math.min(99, count) }),
          ready: observation({
            state: 'ready',
            readyToStream: true,
            readyAt: at,
            encodingPercent: 100,
          }),
          error: observation({
            state: 'error',
            failure: { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' },
          }),
          deleted: { kind: 'deleted', source: 'MUTATION', at } as const,
        }[change],
      )
    },
  }
}
