/** Names of targets for logs, metrics and commands: a path or a query may be a secret. */

import type { CallbackStore, TargetCounts } from '../uploads/ports/callback-store.ts'

const NONE: TargetCounts = { waiting: 0, dead: 0, oldestWaiting: null }

/** Returns the origin of a target's URL. */
export function originOf(target: string): string {
  return URL.canParse(target) ? new URL(target).origin : 'invalid URL'
}

/** Returns a name for each target: its origin, and its position in CALLBACK_URLS if others have the same origin. */
export function nameTargets(targets: readonly string[]): ReadonlyMap<string, string> {
  const origins = targets.map(originOf)
  return new Map(
    targets.map((target, index) => {
      const origin = originOf(target)
      const isUnique = origins.indexOf(origin) === origins.lastIndexOf(origin)
      return [target, isUnique ? origin : `${origin} (entry ${index + 1})`]
    }),
  )
}

/** Counts the deliveries to each target by its name. */
export async function countByName(
  store: Pick<CallbackStore, 'countDeliveries'>,
  targets: readonly string[],
): Promise<ReadonlyMap<string, TargetCounts>> {
  if (targets.length === 0) return new Map()
  const counts = await store.countDeliveries(targets)
  return new Map(
    [...nameTargets(targets)].map(([target, name]) => [name, counts.get(target) ?? NONE]),
  )
}
