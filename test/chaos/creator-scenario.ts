/** Runs one upload plan: creates, watches at another gateway, uploads, deletes if planned. */
import { setTimeout as pause } from 'node:timers/promises'
import { deleteWithRetries, createWithRetries, sendFile } from './creator.ts'
import type { UploadPlan } from './creator-plans.ts'
import type { RetryingClient } from './retrying-client.ts'
import type { Setup } from './setup.ts'
import { type Subscriber, subscribe } from './subscriber.ts'

/** Stream's minimum of 2 minutes, and time for retries of the creation. */
const SHORT_VALIDITY_MS = 130_000

/** Result of one plan from the client's view. */
export interface CreatorResult {
  readonly plan: UploadPlan
  /** Every uid that a response to the plan's key contained. */
  readonly uids: ReadonlySet<string>
  readonly subscriber: Subscriber | null
}

/** Runs one plan from the first request to the last. Errors are added to `setup.unexpectedErrors`. */
export async function runCreatorScenario(
  setup: Setup,
  plan: UploadPlan,
  subscribers: Subscriber[],
): Promise<CreatorResult> {
  const uids = new Set<string>()
  let subscriber: Subscriber | null = null
  try {
    await pause(plan.startMs)
    const validMs = plan.ending === 'expired' ? SHORT_VALIDITY_MS : 3_600_000
    const expiry = new Date(Date.now() + validMs).toISOString()
    const clients = await Promise.all(
      Array.from({ length: plan.callers }, (_, caller) =>
        setup.as(plan.creator, plan.gatewayIndex + caller),
      ),
    )
    const created = await Promise.all(
      clients.map((caller) => createWithRetries(caller, plan, expiry)),
    )
    for (const { uid } of created) uids.add(uid)
    const [client] = clients
    const [first] = created
    if (client === undefined || first === undefined) throw new Error('The plan has no callers.')
    // Watches at another gateway than the one that created the upload.
    const watchingClient = await setup.as(plan.creator, gatewayIndexOf(setup, client) + 1)
    setup.watchedAt.set(first.uid, () => watchingClient.gateway())
    subscriber = subscribe(watchingClient, first.uid, plan.watchesBy)
    subscribers.push(subscriber)
    await sendFile(plan, first)
    const { ending } = plan
    if (ending === 'deleted when ready' || ending === 'expired') await subscriber.done
    if (plan.ending.startsWith('deleted')) await deleteWithRetries(client, first.uid)
    // A retry with the key returns the same upload at any gateway, in any status.
    client.useNextGateway()
    if (plan.isKeyed) uids.add((await createWithRetries(client, plan, expiry)).uid)
  } catch (error) {
    setup.unexpectedErrors.push(`${plan.key} (${plan.ending}, ${plan.protocol}): ${String(error)}`)
  }
  return { plan, uids, subscriber }
}

/** Index of the client's current gateway. */
function gatewayIndexOf({ gateways }: Setup, client: RetryingClient): number {
  return gateways.findIndex(({ url }) => url === client.gateway())
}
