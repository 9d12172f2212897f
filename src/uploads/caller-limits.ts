/** What a token says about its caller, and the limits in force that follow from it and the operator's policy. */
import type { JsonObject } from '../shared/json.ts'
import { MAX_BASIC_BYTES, MAX_STREAM_DURATION_SECONDS, MAX_TUS_BYTES } from './limits.ts'
import type { Policy } from './policy.ts'
import type { TokenLimit } from './ports/upload-store.ts'

/** Limits and settings in a caller's token. Null: the token does not contain it, and the policy decides. */
export interface CallerLimits {
  readonly maxDurationSeconds: number | null
  readonly maxSizeBytes: number | null
  /** Minutes of video that the caller may hold, reserved and stored together. */
  readonly quotaMinutes: number | null
  readonly createsPerMinute: number | null
  /** Uploads that may be created with the token in all. */
  readonly tokenLimit: TokenLimit | null
  readonly forced: ForcedSettings
}

/** Settings of every upload of the caller, whatever a request contains. Null: the request decides. */
export interface ForcedSettings {
  readonly requireSignedURLs: true | null
  /** At least one host. */
  readonly allowedOrigins: readonly string[] | null
  /** Uid of the watermark profile, in place of the operator's. */
  readonly watermarkUid: string | null
  /** Replaces the keys of the request's `meta` that it contains. */
  readonly meta: JsonObject | null
}

/** The limits that apply to a caller. */
export interface LimitsInForce {
  readonly maxDurationSeconds: number
  readonly maxSizeBytes: number
  /** Null for no limit. */
  readonly quotaSeconds: number | null
  readonly createsPerMinute: number
  readonly tokenLimit: TokenLimit | null
}

/** @param limits of the caller's token; null if it contains none */
export function limitsInForce(policy: Policy, limits: CallerLimits | null): LimitsInForce {
  const quotaMinutes = limits?.quotaMinutes ?? null
  return {
    maxDurationSeconds: Math.min(
      limits?.maxDurationSeconds ?? policy.maxDurationSeconds,
      policy.maxDurationSeconds,
      MAX_STREAM_DURATION_SECONDS,
    ),
    maxSizeBytes: Math.min(limits?.maxSizeBytes ?? MAX_TUS_BYTES, MAX_TUS_BYTES),
    quotaSeconds:
      quotaMinutes === null ? policy.creatorQuotaSeconds : Math.floor(quotaMinutes * 60),
    createsPerMinute: limits?.createsPerMinute ?? policy.createsPerMinute,
    tokenLimit: limits?.tokenLimit ?? null,
  }
}

/**
 * Whether the caller may use basic uploads. Stream accepts any file of up to 200 MB at their URL, and has no
 * parameter for a smaller limit. It holds a tus upload to the declared size.
 */
export function allowsBasicUploads({ maxSizeBytes }: Pick<LimitsInForce, 'maxSizeBytes'>): boolean {
  return maxSizeBytes >= MAX_BASIC_BYTES
}
