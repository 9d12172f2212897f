/** What a caller holds, and how many uploads its token still allows. */
import type { Dependencies } from './dependencies.ts'
import type { Viewer } from './viewer.ts'

/** Usage of one caller. Each value is read once, when it is first asked for. */
export interface CallerUsage {
  /** Minutes of video that count towards the caller's quota, reserved and stored together. */
  heldMinutes(): Promise<number>
  /** Uploads that may still be created with the caller's token; null for any number. */
  remainingUploads(): Promise<number | null>
}

/** An operation may ask fifty times, by aliases, and each read examines up to 10,000 uploads. */
export function createCallerUsage(
  dependencies: Pick<Dependencies, 'store'>,
  viewer: Viewer,
): CallerUsage {
  let held: Promise<number> | null = null
  let remaining: Promise<number | null> | null = null
  return {
    heldMinutes: () => (held ??= readHeldMinutes(dependencies, viewer)),
    remainingUploads: () => (remaining ??= countRemaining(dependencies, viewer)),
  }
}

async function readHeldMinutes(
  { store }: Pick<Dependencies, 'store'>,
  { subject }: Viewer,
): Promise<number> {
  const { reservedSeconds, storedSeconds } = await store.quotaUsage(subject)
  return (reservedSeconds + storedSeconds) / 60
}

async function countRemaining(
  { store }: Pick<Dependencies, 'store'>,
  { limits }: Viewer,
): Promise<number | null> {
  const tokenLimit = limits?.tokenLimit ?? null
  if (tokenLimit === null) return null
  return Math.max(0, tokenLimit.maxUploads - (await store.countByToken(tokenLimit.tokenId)))
}
