/** Planned trouble: which operation fails, how, and how many times more. */
import { z } from 'zod'

import { OPERATIONS } from './operations.ts'

export const faultSchema = z
  .strictObject({
    /** `upload` also covers tus PATCH requests; `webhook` is the sending of notices. */
    on: z.enum(OPERATIONS),
    times: z.int().min(1).max(1_000_000).default(1),
    /** Answers with this status instead of doing the work. For notices: as if the receiver had. */
    status: z.int().min(400).max(599).optional(),
    /** A `retry-after` header to go with `status`. */
    retryAfterSeconds: z.int().min(0).max(86_400).optional(),
    /** Waits this long in real time, then goes on (with `status`, or with the work). */
    delayMs: z.int().min(0).max(3_600_000).optional(),
    /** Cuts the connection instead of doing the work. */
    hangUp: z.boolean().optional(),
    /** Does the work, then cuts the connection instead of answering. */
    hangUpAfter: z.boolean().optional(),
    /** Notices only: the notice is lost for good. */
    drop: z.boolean().optional(),
    /** Notices only: how many times the notice is sent in all. */
    duplicate: z.int().min(2).max(100).optional(),
    /** Notices only: the notice goes after the next one. */
    reorder: z.boolean().optional(),
  })
  .refine(
    (fault) =>
      fault.status !== undefined ||
      fault.delayMs !== undefined ||
      fault.duplicate !== undefined ||
      [fault.hangUp, fault.hangUpAfter, fault.drop, fault.reorder].includes(true),
    { error: 'it says on what, but not what goes wrong' },
  )
  .refine(
    (fault) =>
      fault.on === 'webhook' ||
      (fault.drop !== true && fault.reorder !== true && fault.duplicate === undefined),
    { error: 'drop, duplicate and reorder are for "on": "webhook"' },
  )

export type Fault = z.infer<typeof faultSchema>

/** The trouble that is still to come, oldest first. */
export class Faults {
  #planned: Fault[] = []

  plan(fault: Fault): void {
    this.#planned.push(fault)
  }

  /** The first fault planned on one of these, used up by one; null where all goes well. */
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
