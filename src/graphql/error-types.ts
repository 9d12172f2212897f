/** Errors that mutations return as data: the interface `Error` and its seven types. */
import type {
  Forbidden,
  IdempotencyConflict,
  InputIssue,
  InvalidInput,
  QuotaExceeded,
  RateLimited,
  StreamFailed,
  UploadNotFound,
} from '../uploads/outcomes.ts'
import { builder } from './builder.ts'

interface ErrorOutcome {
  readonly kind: string
  readonly code: string
  readonly message: string
}

const ErrorInterface = builder.interfaceRef<ErrorOutcome>('Error').implement({
  description: 'Implemented by every error that a mutation can return as data.',
  resolveType: (outcome) => outcome.kind,
  fields: (t) => ({
    code: t.exposeString('code', {
      description: 'Stable and machine-readable, such as QUOTA_EXCEEDED.',
    }),
    message: t.exposeString('message', {
      description: 'What happened and what would be right, for a developer to read.',
    }),
  }),
})

const InputIssueType = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'One thing that is wrong with an input.',
  fields: (t) => ({
    path: t.exposeStringList('path', {
      description: 'Path into `input`, such as ["maxDurationSeconds"].',
    }),
    message: t.exposeString('message', {
      description: 'What would be right, in the units of the field.',
    }),
  }),
})

export const InvalidInputError = builder.objectRef<InvalidInput>('InvalidInputError').implement({
  description: 'INVALID_INPUT: nothing was created; every issue is listed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.expose('issues', {
      type: [InputIssueType],
      description: 'All that is wrong, not only the first.',
    }),
  }),
})

export const QuotaExceededError = builder.objectRef<QuotaExceeded>('QuotaExceededError').implement({
  description:
    "QUOTA_EXCEEDED: the reservation does not fit in the account's or the caller's storage.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    requestedMinutes: t.exposeFloat('requestedMinutes', {
      description: 'Minutes that were to be reserved.',
    }),
    availableMinutes: t.exposeFloat('availableMinutes', {
      nullable: true,
      description: 'Minutes that are free; null where Stream did not say.',
    }),
  }),
})

export const RateLimitedError = builder.objectRef<RateLimited>('RateLimitedError').implement({
  description: 'RATE_LIMITED: the caller, or the gateway at Stream, made too many requests.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'Seconds after which the same call may succeed.',
    }),
  }),
})

export const ForbiddenError = builder.objectRef<Forbidden>('ForbiddenError').implement({
  description: 'FORBIDDEN: the caller may not do this.',
  interfaces: [ErrorInterface],
})

export const UploadNotFoundError = builder
  .objectRef<UploadNotFound>('UploadNotFoundError')
  .implement({
    description: "UPLOAD_NOT_FOUND: no such upload, or not the caller's.",
    interfaces: [ErrorInterface],
    fields: (t) => ({
      uid: t.exposeID('uid', { description: 'The uid that was asked for.' }),
    }),
  })

export const IdempotencyConflictError = builder
  .objectRef<IdempotencyConflict>('IdempotencyConflictError')
  .implement({
    description: 'IDEMPOTENCY_CONFLICT: the key was used before with another input.',
    interfaces: [ErrorInterface],
  })

export const StreamErrorType = builder.objectRef<StreamFailed>('StreamError').implement({
  description: 'STREAM_UNAVAILABLE or STREAM_REJECTED: what Stream answered, without its secrets.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryable: t.exposeBoolean('retryable', {
      description: 'Whether the same call may succeed later.',
    }),
  }),
})
