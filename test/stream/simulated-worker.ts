/** A Worker that calls Cloudflare's simulator with the binding's adapter over RPC and returns the results. */
import { createBindingStreamApi } from '../../src/stream/binding/binding-stream-api.ts'
import type { StreamBinding } from '../../src/stream/binding/binding-types.ts'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'

/** The binding, with the upload method of the simulator. */
interface Env {
  readonly STREAM: StreamBinding & {
    upload(body: ReadableStream, params: { creator: string; meta: object }): Promise<{ id: string }>
  }
}

const ABSENT = 'f'.repeat(32)

async function errorOf(call: Promise<unknown>): Promise<object> {
  try {
    return { result: await call }
  } catch (error) {
    if (!(error instanceof StreamError)) throw error
    const { kind, mayHaveSucceeded, message } = error
    return { kind, mayHaveSucceeded, message }
  }
}

export default {
  async fetch(request: Request, { STREAM }: Env): Promise<Response> {
    if (request.body === null) return new Response(null, { status: 400 })
    const backend = createBindingStreamApi(STREAM)
    const meta = { name: 'x.mp4', headgate: 'here/1' }
    const { id } = await STREAM.upload(request.body, { creator: 'ada', meta })
    await STREAM.upload(new Blob(['other']).stream(), { creator: 'bo', meta: {} })
    return Response.json({
      id,
      found: await backend.findVideo(id),
      changed: await backend.updateVideo(id, { creator: 'eve', meta: { name: 'y.mp4' } }),
      listed: await backend.listVideos({ creator: 'eve', createdAfter: new Date(0) }),
      byUids: await backend.listVideos({ uids: [id, ABSENT] }),
      absent: [
        await backend.findVideo(ABSENT),
        await backend.updateVideo(ABSENT, { creator: 'x' }),
        await backend.deleteVideo(ABSENT),
      ],
      minted: await errorOf(
        backend.createDirectUpload({
          maxDurationSeconds: 60,
          expiresAt: new Date(Date.now() + 600_000),
          creator: 'ada',
          meta: { list: [1] },
          allowedOrigins: [],
          requireSignedURLs: false,
          scheduledDeletion: null,
          thumbnailTimestampPct: null,
          watermarkUid: null,
        }),
      ),
      deleted: [await backend.deleteVideo(id), await backend.deleteVideo(id)],
    })
  },
}
