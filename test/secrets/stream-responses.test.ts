/** No part of any response of Stream appears in output, except the message that may be quoted. */
import Database from 'better-sqlite3'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { StreamError } from '../../src/uploads/ports/stream-error.ts'
import type { Token } from './test-secrets.ts'
import { type NamedRequest, graphqlRequest } from './send-requests.ts'
import { DELETE, MINT_BASIC, MINT_TUS, STORAGE, UPDATE, UPLOAD_OF } from './operations.ts'
import { type ScriptedStream, startScriptedStream } from './scripted-stream.ts'
import { secretURL } from './search.ts'
import { type GatewaySetup, type Minted, setupWith } from './setup.ts'
import { QUOTABLE, responseSecrets, streamFailures } from './stream-failures.ts'

/** Longer than the sync backoff after a failure, and than the grace period of a lost creation. */
const LATER_SECONDS = 61

async function startSetup(variables: Readonly<Record<string, string>> = {}) {
  const stream = await startScriptedStream()
  const setup = await setupWith(stream.url, variables)
  for (const secret of responseSecrets) setup.transcript.addSecret(secret)
  return { stream, setup }
}

/** Runs sync rounds until Stream has received these calls. */
async function untilCalled(stream: ScriptedStream, setup: GatewaySetup, calls: readonly string[]) {
  for (let rounds = 0; rounds < 200; rounds += 1) {
    if (calls.every((call) => stream.calls.has(call))) return
    setup.gateway.clock.advance(1)
    await pause(10)
  }
  throw new Error(`Stream received only these calls: ${[...stream.calls].join(', ')}.`)
}

function idempotentMint(by: Token, idempotencyKey: string): NamedRequest {
  const input = { maxDurationSeconds: 60, idempotencyKey }
  return graphqlRequest('an upload with a key', by.text, MINT_BASIC, { input })
}

/** Sends every request for which the gateway calls Stream. Returns the response bodies. */
async function callEveryOperation(
  { client, tokens }: GatewaySetup,
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
  const responses = await Promise.all([
    client.send(idempotentMint(tokens.ada, key)),
    client.send(
      graphqlRequest('a tus upload', text, MINT_TUS, { input: { ...input, sizeBytes: 10 } }),
    ),
    client.send({ name: 'a tus creation', path: '/tus', method: 'POST', headers }),
    client.send(graphqlRequest('the storage', text, STORAGE)),
    ...uploads.flatMap(({ uid, secret }) => [
      client.send({
        ...graphqlRequest('reading the upload', text, UPLOAD_OF, { uid }),
        own: [secret],
      }),
      client.send({
        ...graphqlRequest('a change', text, UPDATE, { input: { uid, name: 'a' } }),
        own: [secret],
      }),
      client.send(graphqlRequest('a deletion', text, DELETE, { uid })),
    ]),
  ])
  return responses.map(({ body }) => body).join('\n')
}

/** Whether Stream may have created the video of the last failed mint. Then the gateway sweeps orphans. */
function mayHaveCreatedVideo({ gateway }: GatewaySetup): boolean {
  const failed = gateway.logs.findLast(
    ({ message }) => message === 'creating an upload at Stream failed',
  )
  const error = failed !== undefined && 'err' in failed.fields ? failed.fields.err : null
  return error instanceof StreamError && error.mayHaveSucceeded
}

describe('when Stream fails', { timeout: 60_000 }, () => {
  it('leaks nothing from any response', async () => {
    const { stream, setup } = await startSetup({ DATABASE_URL: 'file::memory:' })
    const { tokens, transcript, gateway } = setup
    const bodies: string[] = []

    /** A view of the upload makes the next sync poll Stream and read the offset. */
    async function readLater({ uid, secret }: Minted): Promise<void> {
      gateway.clock.advance(LATER_SECONDS)
      stream.calls.clear()
      const request = graphqlRequest('reading the upload', tokens.ada.text, UPLOAD_OF, { uid })
      await setup.client.send({ ...request, own: [secret] })
    }

    for (const [name, failing] of Object.entries(streamFailures)) {
      stream.failWith(null)
      gateway.clock.advance(LATER_SECONDS)
      const basic = await setup.mintBasic(tokens.ada)
      const tus = await setup.mintTus(tokens.ada)
      stream.failWith(failing)
      bodies.push(await callEveryOperation(setup, [basic], name))
      const orphans = mayHaveCreatedVideo(setup) ? ['DELETE video'] : []
      await readLater(tus)
      await untilCalled(stream, setup, ['GET list', 'HEAD offset'])
      // The same key again, while the outcome of the first attempt is still unknown.
      await setup.client.send(idempotentMint(tokens.ada, name))

      stream.failWith(failing, { lists: true })
      await readLater(tus)
      await untilCalled(stream, setup, ['GET list', 'GET video', ...orphans])
      bodies.push(await callEveryOperation(setup, [tus], name))
      setup.recordLog(` during ${name}`)
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
    // Stream's message is quoted, so the responses were really processed.
    expect(bodies.join('\n')).toContain(QUOTABLE)
    expect(transcript.leaks()).toEqual([])
  })
})

describe('when Stream works', () => {
  it('leaks no URL of an upload that could not be stored', async () => {
    const { stream, setup } = await startSetup()
    const { transcript, gateway } = setup
    new Database(gateway.databaseFile)
      .exec("create trigger t before update on uploads begin select raise(abort, 'full'); end")
      .close()
    await callEveryOperation(setup, [], 'key')
    setup.recordLog()
    expect(stream.minted).toHaveLength(3)
    for (const uploadURL of stream.minted) transcript.addSecret(secretURL('a URL', uploadURL))
    expect(stream.calls).toContain('POST tus')
    expect(gateway.logs.filter((line) => line.message === 'unexpected error')).toHaveLength(3)
    expect(transcript.leaks()).toEqual([])
  })
})
