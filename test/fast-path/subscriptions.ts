/** Subscriptions to one upload and to all, and how the lane comes to know them. */
import { expect } from 'vitest'
import type { Setup } from './setup.ts'
import { beginStory } from './upload-histories.ts'
import { type Watching, until, watchByEvents } from './subscription-clients.ts'

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

/** Has the lane know the subscription, for whoever has these headers. */
export async function teach(
  setup: Setup,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (let lesson = 0; lesson < 2; lesson += 1) {
    const watching = watchByEvents(setup.fast, body, headers)
    await watching.opened
    watching.leave()
  }
  await until(() => setup.parts.watchers.watchedUids(setup.clock.now()).size === 0, 'leaving')
  expect(setup.seated()).toBe(0)
}

export async function teachUpload(
  setup: Setup,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { uid } = await beginStory(setup, headers)
  await teach(setup, bodyFor(uid), headers)
}

export function versionsOf({ results }: Watching): readonly number[] {
  return results.map((text) => Number(/"version":(\d+)/.exec(text)?.[1]))
}
