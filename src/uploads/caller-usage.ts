/** Use case: what a caller holds, and how many uploads its token still allows. */
import type { Dependencies } from './dependencies.ts'
import type { Viewer } from './viewer.ts'

/** Minutes of video that count towards the caller's quota, reserved and stored together. */
export async function heldMinutes(
  { store }: Pick<Dependencies, 'store'>,
  viewer: Viewer,
): Promise<number> {
  const { reservedSeconds, storedSeconds } = await store.quotaUsage(viewer.subject)
  return (reservedSeconds + storedSeconds) / 60
}

/** Uploads that may still be created with the caller's token; null for any number. */
export async function remainingUploads(
  { store }: Pick<Dependencies, 'store'>,
  { limits }: Viewer,
): Promise<number | null> {
  const tokenLimit = limits?.tokenLimit ?? null
  if (tokenLimit === null) return null
  return Math.max(0, tokenLimit.maxUploads - (await store.countByToken(tokenLimit.tokenId)))
}
