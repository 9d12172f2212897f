/** Messages between the benchmark and the load generator process. */
import { z } from 'zod'

const target = z.object({ host: z.string(), port: z.number() })
const request = z.object({ bytes: z.instanceof(Uint8Array), marker: z.string() })

/** Source of requests: a list that repeats, or webhooks that each report new progress. */
const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('list'), requests: z.array(request).readonly() }),
  z.object({
    kind: z.literal('webhooks'),
    secret: z.string(),
    uids: z.array(z.string()).readonly(),
    /** Percentage of the first webhooks; it grows by `WEBHOOK_STEP` with each pass over all uids. */
    from: z.number(),
  }),
])
export type Source = z.infer<typeof source>

const load = z.object({
  target,
  source,
  connections: z.number(),
  /** Process id of the server whose CPU time is measured. */
  pid: z.number(),
  /** More servers of the same kind; connections are distributed among all servers. */
  others: z.array(target).readonly().optional(),
  /** Process ids by group name; their CPU time is measured too, including their descendants. */
  processGroups: z.record(z.string(), z.array(z.number()).readonly()).optional(),
  /** Process ids of programs that share the generator's core. */
  sharingCore: z.array(z.number()).readonly().optional(),
  /** Milliseconds before the measured window, and length of the window. */
  warmUpMs: z.number(),
  windowMs: z.number(),
})
const closedLoop = load.extend({ kind: z.literal('closed-loop') })
const openLoop = load.extend({ kind: z.literal('open-loop'), perSecond: z.number() })
const subscribe = z.object({
  kind: z.literal('subscribe'),
  /** Name of the new group of subscribers. */
  group: z.string(),
  transport: z.enum(['sse', 'ws']),
  target,
  /** Authorization header of each subscriber. */
  tokens: z.array(z.string()).readonly(),
  uid: z.string(),
})
const change = z.object({
  kind: z.literal('change'),
  group: z.string(),
  /** What makes the change, and what each event of it must log. */
  request,
  expected: z.string(),
  /** Server that receives the request; omitted when it is the subscribers' server. */
  through: target.optional(),
})
const unsubscribe = z.object({ kind: z.literal('unsubscribe'), group: z.string() })
const churn = z.object({
  kind: z.literal('churn'),
  group: z.string(),
  /** Subscribers closed, and as many opened, per second. */
  perSecond: z.number(),
})
const sendFile = z.object({
  kind: z.literal('send-file'),
  target,
  path: z.string(),
  /** Bytes of each chunk, in order. */
  chunks: z.array(z.number()).readonly(),
  pid: z.number(),
})

export const work = z.discriminatedUnion('kind', [
  closedLoop,
  openLoop,
  subscribe,
  change,
  unsubscribe,
  churn,
  sendFile,
])
export type Work = z.infer<typeof work>
export type ClosedLoop = z.infer<typeof closedLoop>
export type OpenLoop = z.infer<typeof openLoop>
export type Subscribe = z.infer<typeof subscribe>
export type Change = z.infer<typeof change>
export type SendFile = z.infer<typeof sendFile>

/** Milliseconds from when a request was due until its response. */
const latencySummary = z.object({
  count: z.number(),
  p50: z.number(),
  p99: z.number(),
  longest: z.number(),
})
export type LatencySummary = z.infer<typeof latencySummary>

/** Figures of a measured window. */
export const measured = z.object({
  seconds: z.number(),
  /** Right responses, including those during the warm-up. */
  succeeded: z.number(),
  /** Right responses. */
  accepted: latencySummary,
  /** Responses with status 503 and Retry-After. */
  rejected: latencySummary,
  /** All other responses and lost connections, with a description of the first. */
  wrong: z.number(),
  firstWrong: z.string().nullable(),
  /** Right responses per second. */
  rate: z.number(),
  /** Microseconds of the server's CPU time per response; null when unknown. */
  serverCpu: z.number().nullable(),
  /** Microseconds of CPU time per response for each process group; null when unknown. */
  processCpu: z.record(z.string(), z.number().nullable()),
  /** Utilization of the load generator, from 0 to 1. */
  busy: z.number(),
  /** Utilization of all processors by any process, from 0 to 1; null when unknown. */
  machineBusy: z.number().nullable(),
})
export type Measured = z.infer<typeof measured>

/** Milliseconds from the request until the first and the last subscriber received the change, and until its response. */
export const changeResult = z.object({ first: z.number(), last: z.number(), responded: z.number() })
export const sendFileResult = z.object({ seconds: z.number(), serverCpu: z.number().nullable() })
export const countResult = z.object({ count: z.number() })
/** Number of subscribers at the end, and number of connections that the server ended before. */
export const unsubscribeResult = countResult.extend({
  lost: z.number(),
  firstLost: z.string().nullable(),
})
export type UnsubscribeResult = z.infer<typeof unsubscribeResult>

/** Reply to a work message: the result, or an error message. */
export const reply = z.union([z.object({ result: z.unknown() }), z.object({ failure: z.string() })])
