/** Claims of deliveries, in memory: only one gateway works on the file, and a claim must not cost a write. */
import type { DueDelivery } from '../../uploads/ports/callback-store.ts'

export interface DeliveryClaims {
  /** Returns the ids of the events whose deliveries to the target are claimed. Forgets claims that have ended. */
  claimedEvents(target: string, now: Date): readonly string[]
  add(delivery: DueDelivery): void
  /** Whether the delivery is still claimed by this claim. */
  holds(delivery: DueDelivery): boolean
  /** Ends the claim, unless it has passed on. */
  end(delivery: DueDelivery): void
}

export function createDeliveryClaims(): DeliveryClaims {
  /** End of each claim in milliseconds since 1970, by event, by target. */
  const targets = new Map<string, Map<string, number>>()

  function claimsOf(target: string): Map<string, number> {
    const known = targets.get(target)
    if (known !== undefined) return known
    const claims = new Map<string, number>()
    targets.set(target, claims)
    return claims
  }

  const holds = ({ target, event, leaseUntil }: DueDelivery): boolean =>
    targets.get(target)?.get(event.id) === leaseUntil.getTime()

  return {
    claimedEvents(target, now) {
      const claims = claimsOf(target)
      for (const [id, until] of claims) if (until <= now.getTime()) claims.delete(id)
      return [...claims.keys()]
    },
    add({ target, event, leaseUntil }) {
      claimsOf(target).set(event.id, leaseUntil.getTime())
    },
    holds,
    end(delivery) {
      if (holds(delivery)) targets.get(delivery.target)?.delete(delivery.event.id)
    },
  }
}
