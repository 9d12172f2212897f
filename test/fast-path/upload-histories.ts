/** What becomes of an upload, told to the store as Stream would tell it. */
import { recordObservation } from '../../src/uploads/status/record-observation.ts'
import type { StreamVideo } from '../../src/uploads/ports/stream-api.ts'
import { ask } from './both-paths.ts'
import { videoOf } from '../kit/samples.ts'
import type { Setup } from './setup.ts'

/** One change: each is new, and so grows the version by one. */
export type Step = 'bytes' | 'queued' | 'encoding' | 'ready' | 'error' | 'deleted'

export interface Story {
  readonly uid: string
  readonly tell: (step: Step) => Promise<void>
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

/** A new upload of this caller. */
export async function beginStory(
  setup: Setup,
  headers: Readonly<Record<string, string>> = {},
  meta: Readonly<Record<string, unknown>> = {},
): Promise<Story> {
  const { text } = await ask(setup.long, { query: MINT, headers, variables: { meta } })
  const [, uid = ''] = /"uid":"(\w+)"/.exec(text) ?? []
  if (uid === '') throw new Error(`Nothing was minted: ${text}`)
  let told = 0
  return {
    uid,
    async tell(step) {
      told += 1
      const at = new Date(setup.clock.now().getTime() + told * 1000)
      const described = (said: Partial<StreamVideo>): Parameters<typeof recordObservation>[2] => ({
        kind: 'video',
        source: 'WEBHOOK',
        at,
        video: videoOf({ uid, sizeBytes: SIZE_BYTES, modifiedAt: at, ...said }),
      })
      await recordObservation(
        setup.parts,
        uid,
        {
          bytes: { kind: 'offset', source: 'SYNC', at, receivedBytes: told * 1000 } as const,
          queued: described({ state: 'queued' }),
          encoding: described({ state: 'inprogress', encodingPercent: Math.min(99, told) }),
          ready: described({
            state: 'ready',
            readyToStream: true,
            readyAt: at,
            encodingPercent: 100,
          }),
          error: described({
            state: 'error',
            failure: { code: 'ERR_NON_VIDEO', message: 'The file is not a video.' },
          }),
          deleted: { kind: 'deleted', source: 'MUTATION', at } as const,
        }[step],
      )
    },
  }
}
