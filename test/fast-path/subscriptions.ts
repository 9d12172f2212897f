/** Subscriptions to one upload and to all, and functions that warm the fast path up. */
import { expect } from 'vitest'
import type { Setup } from './setup.ts'
import { createTestUpload } from './upload-histories.ts'
import { type EventStreamClient, until, openEventStream } from './subscription-clients.ts'

export const WATCH = `subscription Watch($uid: ID!) {
  uploadStatus(uid: $uid) {
    __typename status version updatedAt uploadURL progress { receivedBytes encodingPercent totalBytes }
    failure { code message } video { readyAt sizeBytes } history { status source at }
  }
}`
export const WATCH_ALL = 'subscription { uploadsChanged { uid status version uploadURL } }'

export function bodyFor(uid: string): string {
  return JSON.stringify({ query: WATCH, variables: { uid } })
}

/** Subscribes until the fast path has compiled the operation and cached the token in `headers`. */
export async function warmUp(
  setup: Setup,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (let run = 0; run < 2; run += 1) {
    const client = openEventStream(setup.fast, body, headers)
    await client.opened
    client.disconnect()
  }
  await until(
    () => setup.dependencies.watchRegistry.watchedUids(setup.clock.now()).size === 0,
    'the end of the watch',
  )
  expect(setup.joinedSubscriptions()).toBe(0)
}

export async function warmUpUpload(
  setup: Setup,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { uid } = await createTestUpload(setup, headers)
  await warmUp(setup, bodyFor(uid), headers)
}

export function versionsOf({ results }: EventStreamClient): readonly number[] {
  return results.map((text) => Number(/"version":(\d+)/.exec(text)?.[1]))
}
