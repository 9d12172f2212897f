/** Errors that mutations return as data: the interface `Error` and its eight types. */
import type {
  Conflict,
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
import { countText, countTexts } from './result-characters.ts'

interface ErrorOutcome {
  readonly kind: string
  readonly code: string
  readonly message: string
}

const ErrorInterface = builder.interfaceRef<ErrorOutcome>('Error').implement({
  description: 'Error that a mutation returns as data.',
  resolveType: (outcome) => outcome.kind,
  fields: (t) => ({
    code: t.exposeString('code', {
      description: 'Stable, machine-readable code, such as QUOTA_EXCEEDED.',
    }),
    message: t.string({
      description: 'The problem and its fix, for developers.',
      resolve: ({ message }, _args, context) => countText(context, message),
    }),
  }),
})

const InputIssueType = builder.objectRef<InputIssue>('InputIssue').implement({
  description: 'Problem with one field of the input.',
  fields: (t) => ({
    path: t.stringList({
      description: 'Path of the field in `input`, such as ["maxDurationSeconds"].',
      resolve: ({ path }, _args, context) => [...countTexts(context, path)],
    }),
    message: t.string({
      description: 'Rule that the value violates.',
      resolve: ({ message }, _args, context) => countText(context, message),
    }),
  }),
})

export const InvalidInputError = builder.objectRef<InvalidInput>('InvalidInputError').implement({
  description: 'INVALID_INPUT: the input is invalid, and nothing was created.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.expose('issues', {
      type: [InputIssueType],
      description: 'Problems of the input: the first 20, and one that counts the others.',
    }),
  }),
})

export const QuotaExceededError = builder.objectRef<QuotaExceeded>('QuotaExceededError').implement({
  description:
    'QUOTA_EXCEEDED: the maximum duration exceeds the remaining storage of the account or of the creator.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    requestedMinutes: t.exposeFloat('requestedMinutes', {
      description: 'Minutes that the upload would reserve.',
    }),
    availableMinutes: t.exposeFloat('availableMinutes', {
      nullable: true,
      description: 'Remaining minutes; null if unknown.',
    }),
  }),
})

export const RateLimitedError = builder.objectRef<RateLimited>('RateLimitedError').implement({
  description:
    'RATE_LIMITED: the caller sent too many requests, or the gateway sent too many requests to Stream.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryAfterSeconds: t.exposeInt('retryAfterSeconds', {
      description: 'Seconds until a retry can succeed.',
    }),
  }),
})

export const ForbiddenError = builder.objectRef<Forbidden>('ForbiddenError').implement({
  description: 'FORBIDDEN: the caller is not allowed to do this.',
  interfaces: [ErrorInterface],
})

export const UploadNotFoundError = builder
  .objectRef<UploadNotFound>('UploadNotFoundError')
  .implement({
    description: 'UPLOAD_NOT_FOUND: the upload does not exist, or belongs to another creator.',
    interfaces: [ErrorInterface],
    fields: (t) => ({
      uid: t.exposeID('uid', { description: 'The requested uid.' }),
    }),
  })

export const ConflictError = builder.objectRef<Conflict>('ConflictError').implement({
  description:
    'CONFLICT: the upload has another version than `expectedVersion`. Nothing was changed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    currentVersion: t.exposeInt('currentVersion', {
      description: 'Version of the upload.',
    }),
  }),
})

export const IdempotencyConflictError = builder
  .objectRef<IdempotencyConflict>('IdempotencyConflictError')
  .implement({
    description: 'IDEMPOTENCY_CONFLICT: the idempotency key was already used with another input.',
    interfaces: [ErrorInterface],
  })

export const StreamErrorType = builder.objectRef<StreamFailed>('StreamError').implement({
  description: "STREAM_UNAVAILABLE or STREAM_REJECTED: Stream's error message, without secrets.",
  interfaces: [ErrorInterface],
  fields: (t) => ({
    retryable: t.exposeBoolean('retryable', {
      description: 'Whether a retry can succeed.',
    }),
  }),
})
