/** Whatever Stream answers, none of it comes out but the sentence that the contract allows. */
import Database from 'better-sqlite3'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import type { Token } from './test-secrets.ts'
import { type Knock, graphqlKnock } from './send-requests.ts'
import { DELETE, MINT_BASIC, MINT_TUS, STORAGE, UPLOAD_OF } from './operations.ts'
import { type ScriptedStream, startScriptedStream } from './scripted-stream.ts'
import { secretURL } from './search.ts'
import { type GatewaySetup, type Minted, setupWith } from './setup.ts'
import { HARMLESS, answerSecrets, streamFailures } from './stream-failures.ts'

/** Longer than synchronisation pauses after a failure, and than a lost creation is left alone. */
const LATER_SECONDS = 61

async function startSetup(variables: Readonly<Record<string, string>> = {}) {
  const stream = await startScriptedStream()
  const setup = await setupWith(stream.url, variables)
  for (const secret of answerSecrets) setup.transcript.hide(secret)
  return { stream, stage: setup }
}

/** Lets rounds of synchronisation go by until Stream has heard these calls. */
async function untilAsked(stream: ScriptedStream, setup: GatewaySetup, calls: readonly string[]) {
  for (let rounds = 0; rounds < 200; rounds += 1) {
    if (calls.every((call) => stream.asked.has(call))) return
    setup.gateway.clock.advance(1)
    await pause(10)
  }
  throw new Error(`Stream was asked ${[...stream.asked].join(', ')} only.`)
}

function keyedMint(by: Token, idempotencyKey: string): Knock {
  const input = { maxDurationSeconds: 60, idempotencyKey }
  return graphqlKnock('a mint with a key', by.text, MINT_BASIC, { input })
}

/** Asks for everything that asks Stream. */
async function askForEverything(
  { door: endpoint, tokens }: GatewaySetup,
  uploads: readonly Minted[],
  key: string,
): Promise<string> {
  const { text } = tokens.ada
  const input = { maxDurationSeconds: 60 }
  const headers = {
    authorization: `Bearer ${text}`,
    'tus-resumable': '1.0.0',
    'upload-length': '10',
  }
  const answers = await Promise.all([
    endpoint.knock(keyedMint(tokens.ada, key)),
    endpoint.knock(
      graphqlKnock('a tus mint', text, MINT_TUS, { input: { ...input, sizeBytes: 10 } }),
    ),
    endpoint.knock({ name: 'a tus creation', path: '/tus', method: 'POST', headers }),
    endpoint.knock(graphqlKnock('the storage', text, STORAGE)),
    ...uploads.flatMap(({ uid, secret }) => [
      endpoint.knock({ ...graphqlKnock('a look', text, UPLOAD_OF, { uid }), own: [secret] }),
      endpoint.knock(graphqlKnock('a deletion', text, DELETE, { uid })),
    ]),
  ])
  return answers.map(({ body }) => body).join('\n')
}

/** Whether the newest failure to mint left open what Stream had done: then it looks for orphans. */
function isLeftOpen({ gateway }: GatewaySetup): boolean {
  const failed = gateway.logs.findLast(
    ({ message }) => message === 'creating an upload at Stream failed',
  )
  const error = failed !== undefined && 'err' in failed.fields ? failed.fields.err : null
  return error instanceof StreamError && error.mayHaveSucceeded
}

describe('a Stream that fails', { timeout: 60_000 }, () => {
  it('brings nothing out, with any answer', async () => {
    const { stream, stage: setup } = await startSetup({ DATABASE_URL: 'file::memory:' })
    const { tokens, transcript, gateway } = setup
    const said: string[] = []

    /** Whoever looks has synchronisation ask, and read the offset. */
    async function lookLater({ uid, secret }: Minted): Promise<void> {
      gateway.clock.advance(LATER_SECONDS)
      stream.asked.clear()
      const look = graphqlKnock('a look', tokens.ada.text, UPLOAD_OF, { uid })
      await setup.door.knock({ ...look, own: [secret] })
    }

    for (const [name, failing] of Object.entries(streamFailures)) {
      stream.failWith(null)
      gateway.clock.advance(LATER_SECONDS)
      const basic = await setup.mintBasic(tokens.ada)
      const tus = await setup.mintTus(tokens.ada)
      stream.failWith(failing)
      said.push(await askForEverything(setup, [basic], name))
      const orphans = isLeftOpen(setup) ? ['DELETE video'] : []
      await lookLater(tus)
      await untilAsked(stream, setup, ['GET list', 'HEAD offset'])
      // The same key again: what became of the first attempt is not to be found out.
      await setup.door.knock(keyedMint(tokens.ada, name))

      stream.failWith(failing, { lists: true })
      await lookLater(tus)
      await untilAsked(stream, setup, ['GET list', 'GET video', ...orphans])
      said.push(await askForEverything(setup, [tus], name))
      setup.noteLog(` during ${name}`)
    }
    expect([...new Set(gateway.logs.map((line) => line.message))]).toEqual(
      expect.arrayContaining([
        'creating an upload at Stream failed',
        'deleting the video at Stream failed',
        'reading a tus offset failed',
        'deleting an orphan failed; retried in the next sweep',
        'resolving a reservation failed; retried later',
        'request to Stream failed; sync paused',
        'polling Stream for one upload failed',
      ]),
    )
    // Stream's sentence is quoted, so that the search had something to find.
    expect(said.join('\n')).toContain(HARMLESS)
    expect(transcript.leaks()).toEqual([])
  })
})

describe('a Stream that works', () => {
  it('mints what cannot be written down, and nobody hears of it', async () => {
    const { stream, stage: setup } = await startSetup()
    const { transcript, gateway } = setup
    new Database(gateway.databaseFile)
      .exec("create trigger t before update on uploads begin select raise(abort, 'full'); end")
      .close()
    await askForEverything(setup, [], 'key')
    setup.noteLog()
    expect(stream.minted).toHaveLength(3)
    for (const uploadURL of stream.minted) transcript.hide(secretURL('a URL', uploadURL))
    expect(stream.asked).toContain('POST tus')
    expect(gateway.logs.filter((line) => line.message === 'unexpected error')).toHaveLength(3)
    expect(transcript.leaks()).toEqual([])
  })
})
