/** Fault injection: which operation fails, how, and how many more times. */
import { z } from 'zod'

import { OPERATIONS } from './operations.ts'

export const faultSchema = z
  .strictObject({
    /** `upload` also covers tus PATCH requests; `webhook` is the delivery of webhooks. */
    on: z.enum(OPERATIONS),
    times: z.int().min(1).max(1_000_000).default(1),
    /** Responds with this status instead of running the operation. Webhooks: a failed delivery. */
    status: z.int().min(400).max(599).optional(),
    /** `Retry-After` header sent with `status`. */
    retryAfterSeconds: z.int().min(0).max(86_400).optional(),
    /** Waits this long in real time, then continues with `status` or the operation. */
    delayMs: z.int().min(0).max(3_600_000).optional(),
    /** Disconnects instead of running the operation. */
    hangUp: z.boolean().optional(),
    /** Runs the operation, then disconnects instead of responding. */
    hangUpAfter: z.boolean().optional(),
    /** Webhooks only: the webhook is permanently lost. */
    drop: z.boolean().optional(),
    /** Webhooks only: total number of deliveries. */
    duplicate: z.int().min(2).max(100).optional(),
    /** Webhooks only: delivered after the next webhook, or after 2 seconds. */
    reorder: z.boolean().optional(),
  })
  .refine(
    (fault) =>
      fault.status !== undefined ||
      fault.delayMs !== undefined ||
      fault.duplicate !== undefined ||
      [fault.hangUp, fault.hangUpAfter, fault.drop, fault.reorder].includes(true),
    {
      error:
        'needs at least one of: status, delayMs, hangUp, hangUpAfter, drop, duplicate, reorder',
    },
  )
  .refine(
    (fault) =>
      fault.on === 'webhook' ||
      (fault.drop !== true && fault.reorder !== true && fault.duplicate === undefined),
    { error: 'drop, duplicate and reorder require "on": "webhook"' },
  )

export type Fault = z.infer<typeof faultSchema>

/** Planned faults that are not used up, oldest first. */
export class Faults {
  #planned: Fault[] = []

  plan(fault: Fault): void {
    this.#planned.push(fault)
  }

  /** Returns the first fault for one of the operations and counts one use; null without one. */
  take(...names: readonly Fault['on'][]): Fault | null {
    const fault = this.#planned.find((planned) => names.includes(planned.on))
    if (fault === undefined) return null
    fault.times -= 1
    if (fault.times === 0) this.#planned = this.#planned.filter((planned) => planned !== fault)
    return fault
  }

  clear(): void {
    this.#planned = []
  }

  toJSON(): readonly Fault[] {
    return this.#planned
  }
}
