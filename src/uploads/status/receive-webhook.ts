/** Use case: receives a verified webhook, by which Stream reports the end of processing. */
import type { StreamVideo } from '../ports/stream-api.ts'
import type { Dependencies } from '../dependencies.ts'
import { recordObservation } from './record-observation.ts'

type WebhookDependencies = Pick<
  Dependencies,
  'store' | 'callbacks' | 'pubsub' | 'clock' | 'log' | 'telemetry'
>

/**
 * Applies the webhook, or stores it until its upload is known. Once this resolves, it is durable; only then
 * may the gateway confirm the delivery. Idempotent.
 */
export async function receiveWebhook(
  dependencies: WebhookDependencies & Pick<Dependencies, 'readVideo'>,
  video: StreamVideo,
  body: string,
): Promise<'applied' | 'unmatched'> {
  const at = dependencies.clock.now()
  const upload = await recordObservation(dependencies, video.uid, {
    kind: 'video',
    source: 'WEBHOOK',
    at,
    video,
  })
  if (upload !== null) {
    dependencies.log.info(
      { uid: video.uid, state: video.state, status: upload.status },
      'webhook applied',
    )
    return 'applied'
  }
  await dependencies.store.saveUnmatchedWebhook(video.uid, body, at)
  // The upload may have been recorded in the meantime by a request that read no stored webhooks yet.
  if ((await dependencies.store.find(video.uid)) !== null) {
    await applyUnmatchedWebhooks(dependencies, video.uid)
    return 'applied'
  }
  dependencies.log.info(
    { uid: video.uid, state: video.state },
    'webhook stored: no matching upload yet',
  )
  return 'unmatched'
}

/**
 * Applies the stored webhooks of an upload that was just recorded.
 * @param known bodies of the webhooks, if they were read already
 */
export async function applyUnmatchedWebhooks(
  dependencies: WebhookDependencies & Pick<Dependencies, 'readVideo'>,
  uid: string,
  known: readonly string[] | null = null,
): Promise<void> {
  const bodies = known ?? (await dependencies.store.unmatchedWebhooks(uid))
  for (const body of bodies) {
    const video = dependencies.readVideo(body)
    if (video === null) continue
    const at = dependencies.clock.now()
    await recordObservation(dependencies, uid, { kind: 'video', source: 'WEBHOOK', at, video })
  }
  if (bodies.length > 0) await dependencies.store.deleteUnmatchedWebhooks(uid)
}
