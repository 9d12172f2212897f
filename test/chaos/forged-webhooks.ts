/** Sends forged webhooks: none may change an upload, cause a failure or stay in memory. */
import { createHmac } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { allUploads, expectedStatus as statusAtStream } from './compare-state.ts'
import { createWithRetries, sendFile } from './creator.ts'
import { planUploads } from './creator-plans.ts'
import { type Chance, chanceFrom } from './seed.ts'
import { type Setup, startSetup } from './setup.ts'

export interface ForgedOptions {
  readonly seed: number
  readonly webhooks: number
  readonly pace: number
  readonly timeoutMs: number
}

export interface ForgedOutcome {
  /** Number of responses by kind and status, such as "stale: 401". */
  readonly responses: ReadonlyMap<string, number>
  /** Responses with another status than the expected status of their kind. */
  readonly wrong: readonly string[]
  /** Uploads whose version or status changed. */
  readonly changed: readonly string[]
  /** Resident bytes after the first tenth, at the maximum, and at the end. */
  readonly memory: { readonly before: number; readonly max: number; readonly after: number }
  readonly failures: readonly string[]
}

const kinds = { forged: 50, stale: 15, unsigned: 10, scrambled: 10, malformed: 10, oversized: 5 }
type Kind = keyof typeof kinds

/** Expected status by kind. */
const expectedStatus: Readonly<Record<Kind, number>> = {
  forged: 401,
  stale: 401,
  unsigned: 401,
  scrambled: 401,
  malformed: 400,
  oversized: 413,
}

const CONCURRENCY = 20
/** Above the limit of 256 KiB of the webhook endpoint. */
const OVERSIZED_BYTES = 300_000

export async function sendForgedWebhooks(options: ForgedOptions): Promise<ForgedOutcome> {
  const setup = await startSetup({ ...options, encodeMs: 100 })
  const chance = chanceFrom(options.seed)
  const [gateway] = setup.gateways
  try {
    const uids = await createUploads(setup)
    const before = await stableVersions(setup, options.pace)
    const responses = new Map<string, number>()
    const first = Math.ceil(options.webhooks / 10)
    await send(setup, chance, uids, first, responses)
    const memory = { before: await gateway.residentBytes(), max: 0, after: 0 }
    for (let part = 1; part < 10; part += 1) {
      await send(setup, chance, uids, Math.floor(options.webhooks / 10), responses)
      memory.max = Math.max(memory.max, await gateway.residentBytes())
    }
    memory.after = await gateway.residentBytes()
    const after = await stableVersions(setup, options.pace)
    return {
      responses,
      wrong: [...responses.keys()].filter((outcome) => !isExpected(outcome)),
      changed: [...after].flatMap(([uid, now]) =>
        before.get(uid) === now ? [] : [`${uid}: ${before.get(uid)}, now ${now}`],
      ),
      memory,
      failures: [...setup.unexpectedErrors, ...gateway.failures],
    }
  } finally {
    await setup.end()
  }
}

/** Creates uploads of every kind, including unfinished ones. */
async function createUploads(setup: Setup): Promise<readonly string[]> {
  const client = await setup.as('ada')
  const expiry = new Date(Date.now() + 3_600_000).toISOString()
  const uids: string[] = []
  for (const plan of planUploads(chanceFrom(7), 20, 0)) {
    const created = await createWithRetries(client, plan, expiry)
    await sendFile(plan, created)
    uids.push(created.uid)
  }
  return uids
}

/** Returns version and status by uid once two reads in a row are equal, and equal to Stream's final states. */
async function stableVersions(
  { admin, emulator }: Setup,
  pace: number,
): Promise<ReadonlyMap<string, string>> {
  let last = ''
  for (;;) {
    const uploads = await allUploads(admin)
    const versions = new Map(
      uploads.map((upload) => [upload.uid, `${upload.version} ${upload.status}`]),
    )
    const text = JSON.stringify([...versions])
    const videos = new Map((await emulator.state()).videos.map((video) => [video.uid, video]))
    const isChanging = uploads.some(
      ({ uid, status }) =>
        status === 'QUEUED' ||
        status === 'IN_PROGRESS' ||
        status !== statusAtStream(videos.get(uid)),
    )
    if (!isChanging && text === last) return versions
    last = text
    await pause(2500 / pace)
  }
}

async function send(
  setup: Setup,
  chance: Chance,
  uids: readonly string[],
  count: number,
  responses: Map<string, number>,
): Promise<void> {
  let remaining = count
  async function worker(): Promise<void> {
    while (remaining > 0) {
      remaining -= 1
      const kind = chance.weighted(kinds)
      const uid = uids[chance.between(0, uids.length - 1)] ?? ''
      const response = await fetch(`${setup.gateways[0].url}/webhooks/stream`, {
        method: 'POST',
        ...webhook(kind, uid, setup.webhookSecret, chance),
      })
      await response.text()
      const outcome = `${kind}: ${response.status}`
      responses.set(outcome, (responses.get(outcome) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}

interface WebhookRequest {
  readonly headers: Record<string, string>
  readonly body: string
}

function webhook(kind: Kind, uid: string, secret: string, chance: Chance): WebhookRequest {
  const now = Math.floor(Date.now() / 1000)
  const state = chance.oneOf(['ready', 'error', 'queued'])
  const body = JSON.stringify({ uid, readyToStream: true, status: { state, pctComplete: '100' } })
  switch (kind) {
    case 'forged':
      return signed(body, `${secret.slice(1)}0`, now)
    case 'stale':
      // Past and future times: both are outside the tolerance.
      return signed(body, secret, now + chance.oneOf([-86_400, -3600, 86_400]))
    case 'unsigned':
      return { headers: {}, body }
    case 'scrambled': {
      const header = chance.oneOf([
        'time=,sig1=',
        `time=${now}`,
        'x'.repeat(4000),
        'sig1=00,time=-1',
      ])
      return { headers: { 'webhook-signature': header }, body }
    }
    case 'malformed':
      return signed(chance.oneOf(['', '{', 'null', '[]', '{"uid":1}', '"\uD800"']), secret, now)
    case 'oversized':
      return signed(' '.repeat(OVERSIZED_BYTES) + body, secret, now)
  }
}

function signed(body: string, secret: string, unixSeconds: number): WebhookRequest {
  const signature = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
  return { headers: { 'webhook-signature': `time=${unixSeconds},sig1=${signature}` }, body }
}

function isExpected(outcome: string): boolean {
  return Object.entries(expectedStatus).some(([kind, status]) => outcome === `${kind}: ${status}`)
}
