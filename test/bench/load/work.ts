/** What the load generator is asked to do, and what it tells of it: words between two processes. */
import { z } from 'zod'

const target = z.object({ host: z.string(), port: z.number() })
const shot = z.object({ bytes: z.instanceof(Uint8Array), marker: z.string() })

/** Where requests come from: a list, round and round, or notices that each tell something new. */
const source = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('list'), shots: z.array(shot).readonly() }),
  z.object({
    kind: z.literal('notices'),
    secret: z.string(),
    uids: z.array(z.string()).readonly(),
    /** The percentage that the first of them tells; each round over all uids tells a little more. */
    from: z.number(),
  }),
])
export type Source = z.infer<typeof source>

const load = z.object({
  target,
  source,
  connections: z.number(),
  /** Of the server, whose time on the processor is counted. */
  pid: z.number(),
  /** More of the same: connections take turns among them all. */
  others: z.array(target).readonly().optional(),
  /** Programs whose time is counted besides, with all that they have started, by what they are called. */
  parts: z.record(z.string(), z.array(z.number()).readonly()).optional(),
  /** Of programs that share the generator's core. */
  beside: z.array(z.number()).readonly().optional(),
  /** Milliseconds before anything is counted, and then those that are. */
  warmUpMs: z.number(),
  windowMs: z.number(),
})
const closedLoop = load.extend({ kind: z.literal('closed-loop') })
const openLoop = load.extend({ kind: z.literal('open-loop'), perSecond: z.number() })
const subscribe = z.object({
  kind: z.literal('subscribe'),
  /** Under which the crowd is spoken of from now on. */
  crowd: z.string(),
  transport: z.enum(['sse', 'ws']),
  target,
  /** One subscriber each: its Authorization header. */
  tokens: z.array(z.string()).readonly(),
  uid: z.string(),
})
const change = z.object({
  kind: z.literal('change'),
  crowd: z.string(),
  /** What makes the change, and what each event of it must say. */
  shot,
  told: z.string(),
  /** Who is told of the change; left out where it is the one that the crowd listens to. */
  through: target.optional(),
})
const disperse = z.object({ kind: z.literal('disperse'), crowd: z.string() })
const churn = z.object({
  kind: z.literal('churn'),
  crowd: z.string(),
  /** Subscribers that leave, and as many that come, a second. */
  perSecond: z.number(),
})
const sendFile = z.object({
  kind: z.literal('send-file'),
  target,
  path: z.string(),
  /** Bytes of each chunk, in their order. */
  chunks: z.array(z.number()).readonly(),
  pid: z.number(),
})

export const work = z.discriminatedUnion('kind', [
  closedLoop,
  openLoop,
  subscribe,
  change,
  disperse,
  churn,
  sendFile,
])
export type Work = z.infer<typeof work>
export type ClosedLoop = z.infer<typeof closedLoop>
export type OpenLoop = z.infer<typeof openLoop>
export type Subscribe = z.infer<typeof subscribe>
export type Change = z.infer<typeof change>
export type SendFile = z.infer<typeof sendFile>

/** Milliseconds from the moment when a request was due until it was answered. */
const spread = z.object({
  count: z.number(),
  p50: z.number(),
  p99: z.number(),
  longest: z.number(),
})
export type Spread = z.infer<typeof spread>

/** What was counted in a window. */
export const measured = z.object({
  seconds: z.number(),
  /** Right answers since the first, those while the server warmed up among them. */
  answered: z.number(),
  /** Right answers. */
  accepted: spread,
  /** Answers 503 with Retry-After. */
  refused: spread,
  /** Everything else, and the first of it in words. */
  wrong: z.number(),
  firstWrong: z.string().nullable(),
  /** Right answers a second. */
  rate: z.number(),
  /** Microseconds that the server's threads worked for one answer; null where nobody tells. */
  serverCpu: z.number().nullable(),
  /** The same of each of the parts. */
  partCpu: z.record(z.string(), z.number().nullable()),
  /** How busy the generator itself was, from 0 to 1. */
  busy: z.number(),
  /** How busy all processors were, whoever had them, from 0 to 1; null where nobody tells. */
  machineBusy: z.number().nullable(),
})
export type Measured = z.infer<typeof measured>

/** Milliseconds from sending the change until the first and the last subscriber had it, and until it was answered. */
export const heard = z.object({ first: z.number(), last: z.number(), answered: z.number() })
export const sent = z.object({ seconds: z.number(), serverCpu: z.number().nullable() })
export const done = z.object({ count: z.number() })
/** Those who stayed to the end, and those whom the server let go without being asked to. */
export const dispersed = done.extend({ lost: z.number(), firstLost: z.string().nullable() })
export type Dispersed = z.infer<typeof dispersed>

/** An answer, or the sentence of what went wrong. */
export const reply = z.union([z.object({ result: z.unknown() }), z.object({ failure: z.string() })])
