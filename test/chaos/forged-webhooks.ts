/** Notices that Stream never sent: none may change anything, break anything or stay in memory. */
import { createHmac } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { allUploads } from './compare-state.ts'
import { mintUntilMinted, sendFile } from './creator.ts'
import { planItems } from './creator-plans.ts'
import { type Chance, chanceFrom } from './seed.ts'
import { type Setup, setSetup } from './setup.ts'

export interface ForgedOptions {
  readonly seed: number
  readonly notices: number
  readonly pace: number
  readonly patienceMs: number
}

export interface ForgedOutcome {
  /** Answers by what was sent, such as "stale: 401", with how often each was given. */
  readonly answers: ReadonlyMap<string, number>
  /** Answers other than those that each kind must get. */
  readonly wrong: readonly string[]
  /** Uploads whose version or status is another than before. */
  readonly changed: readonly string[]
  /** Resident bytes: after the first tenth, the most seen, and after the last. */
  readonly memory: { readonly before: number; readonly most: number; readonly after: number }
  readonly failures: readonly string[]
}

const kinds = { forged: 50, stale: 15, unsigned: 10, scrambled: 10, malformed: 10, oversized: 5 }
type Kind = keyof typeof kinds

/** What each must be answered with. */
const right: Readonly<Record<Kind, number>> = {
  forged: 401,
  stale: 401,
  unsigned: 401,
  scrambled: 401,
  malformed: 400,
  oversized: 413,
}

const AT_ONCE = 20
/** Above the 256 KiB that the door takes. */
const OVERSIZED_BYTES = 300_000

export async function sendForgedWebhooks(options: ForgedOptions): Promise<ForgedOutcome> {
  const setup = await setSetup({ ...options, encodeMs: 100 })
  const chance = chanceFrom(options.seed)
  const [gateway] = setup.gateways
  try {
    const uids = await someUploads(setup)
    const before = await versionsAtRest(setup, options.pace)
    const answers = new Map<string, number>()
    const first = Math.ceil(options.notices / 10)
    await send(setup, chance, uids, first, answers)
    const memory = { before: await gateway.residentBytes(), most: 0, after: 0 }
    for (let part = 1; part < 10; part += 1) {
      await send(setup, chance, uids, Math.floor(options.notices / 10), answers)
      memory.most = Math.max(memory.most, await gateway.residentBytes())
    }
    memory.after = await gateway.residentBytes()
    const after = await versionsAtRest(setup, options.pace)
    return {
      answers,
      wrong: [...answers.keys()].filter((answer) => !isRight(answer)),
      changed: [...after].flatMap(([uid, now]) =>
        before.get(uid) === now ? [] : [`${uid}: ${before.get(uid)}, now ${now}`],
      ),
      memory,
      failures: [...setup.surprises, ...gateway.failures],
    }
  } finally {
    await setup.end()
  }
}

/** Uploads of every kind, those that wait among them. */
async function someUploads(setup: Setup): Promise<readonly string[]> {
  const line = await setup.as('ada')
  const expiry = new Date(Date.now() + 3_600_000).toISOString()
  const uids: string[] = []
  for (const item of planItems(chanceFrom(7), 20, 0)) {
    const minted = await mintUntilMinted(line, item, expiry)
    await sendFile(item, minted)
    uids.push(minted.uid)
  }
  return uids
}

/** Version and status by uid, once nothing is on its way any more: twice the same. */
async function versionsAtRest(
  { admin }: Setup,
  pace: number,
): Promise<ReadonlyMap<string, string>> {
  let last = ''
  for (;;) {
    const uploads = await allUploads(admin)
    const versions = new Map(uploads.map((one) => [one.uid, `${one.version} ${one.status}`]))
    const text = JSON.stringify([...versions])
    const moving = uploads.some(({ status }) => status === 'QUEUED' || status === 'IN_PROGRESS')
    if (!moving && text === last) return versions
    last = text
    await pause(2500 / pace)
  }
}

async function send(
  setup: Setup,
  chance: Chance,
  uids: readonly string[],
  count: number,
  answers: Map<string, number>,
): Promise<void> {
  let left = count
  async function takeTurns(): Promise<void> {
    while (left > 0) {
      left -= 1
      const kind = chance.weighted(kinds)
      const uid = uids[chance.between(0, uids.length - 1)] ?? ''
      const response = await fetch(`${setup.gateways[0].url}/webhooks/stream`, {
        method: 'POST',
        ...webhook(kind, uid, setup.webhookSecret, chance),
      })
      await response.text()
      const answer = `${kind}: ${response.status}`
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, takeTurns))
}

interface Sent {
  readonly headers: Record<string, string>
  readonly body: string
}

function webhook(kind: Kind, uid: string, secret: string, chance: Chance): Sent {
  const now = Math.floor(Date.now() / 1000)
  const state = chance.oneOf(['ready', 'error', 'queued'])
  const body = JSON.stringify({ uid, readyToStream: true, status: { state, pctComplete: '100' } })
  switch (kind) {
    case 'forged':
      return signed(body, `${secret.slice(1)}0`, now)
    case 'stale':
      // On both sides of now: a clock that runs ahead must not let old ones in.
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

function signed(body: string, secret: string, unixSeconds: number): Sent {
  const signature = createHmac('sha256', secret).update(`${unixSeconds}.${body}`).digest('hex')
  return { headers: { 'webhook-signature': `time=${unixSeconds},sig1=${signature}` }, body }
}

function isRight(answer: string): boolean {
  return Object.entries(right).some(([kind, status]) => answer === `${kind}: ${status}`)
}
