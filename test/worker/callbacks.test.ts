/** Callbacks from the gateway on Workers: recorded in D1, delivered by the hub. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { verifyCallback } from '../../src/callbacks/verify-callback.ts'
import { listCallbacksSql, replayCallbacksSql } from '../../src/store/d1/callback-sql.ts'
import {
  CALLBACK_SECRETS,
  type ReceivedCallback,
  callbackVariables,
  startCallbackTarget,
  status,
} from '../kit/callback-target.ts'
import { type TestEmulator, startTestEmulator } from '../kit/emulator.ts'
import { TEST_SECRET, tokenFor } from '../kit/gateway.ts'
import { startWorker } from '../kit/gateway-worker.ts'
import { testcardFile } from '../kit/media.ts'
import {
  createDirectUpload,
  deleteUpload,
  expectMinted,
  postFile,
  watchToEnd,
} from '../kit/operations.ts'

let emulator: TestEmulator
beforeAll(async () => {
  emulator = await startTestEmulator()
})
afterAll(() => emulator.close())

const typesOf = (received: readonly ReceivedCallback[]): string[] =>
  received.map(({ payload }) => payload.type)

it(
  'callbacks come in order, from a change to the deletion, whatever another target does',
  { timeout: 30_000 },
  async () => {
    const [target, hanging, failing] = [
      await startCallbackTarget(),
      await startCallbackTarget(),
      await startCallbackTarget(),
    ]
    hanging.respond(() => undefined)
    failing.respond(status(500))
    const worker = await startWorker({
      variables: { AUTH_JWT_SECRET: TEST_SECRET, ...callbackVariables(target, hanging, failing) },
      stream: { emulator, by: 'binding' },
    })
    try {
      const ada = worker.as(await tokenFor('ada'))
      const { uid, uploadURL } = expectMinted(await createDirectUpload(ada))
      await target.first('upload.created')
      const watching = watchToEnd(ada, uid)
      await postFile(uploadURL, testcardFile())
      await watching
      await target.first('upload.ready')
      await deleteUpload(ada, uid)
      await target.first('upload.deleted')
      const versions = target.received.map(({ payload }) => payload.data.version)
      expect(versions).toEqual(versions.toSorted((a, b) => a - b))
      expect(new Set(target.received.map(({ id }) => id)).size).toBe(versions.length)
      for (const { id, body, headers, payload } of target.received) {
        expect(await verifyCallback(body, headers, CALLBACK_SECRETS[0])).toEqual({ id, ...payload })
      }
      expect(typesOf(hanging.received)).toEqual(['upload.created'])
      // The retry after five seconds.
      expect(typesOf(await failing.waitFor(2))).toEqual(['upload.created', 'upload.created'])
      expect(worker.lines.join('\n')).not.toContain('target-key')
    } finally {
      await worker.stop()
    }
  },
)

it(
  'the SQL of `headgate callbacks` lists dead letters, and sends them again',
  { timeout: 30_000 },
  async () => {
    const target = await startCallbackTarget()
    target.respond(status(410))
    const worker = await startWorker({
      variables: { AUTH_DISABLED: 'true', ...callbackVariables(target) },
      stream: { emulator, by: 'binding' },
    })
    onTestFinished(() => worker.stop())
    /** Runs it as one batch, as wrangler does; returns the rows of each statement. */
    const execute = async (text: string): Promise<readonly (readonly object[])[]> => {
      const statements = text.trimEnd().replace(/;$/, '').split(';\n')
      const { database } = worker
      const results = await database.batch(statements.map((sql) => database.prepare(sql)))
      return results.map(({ results: rows }) => rows)
    }
    expectMinted(await createDirectUpload(worker.as()))
    const { id } = await target.first('upload.created')
    const dead = (): Promise<readonly (readonly object[])[]> =>
      execute(listCallbacksSql('dead', 1000))
    await expect.poll(dead, { timeout: 10_000 }).toEqual([
      [
        {
          id,
          type: 'upload.created',
          at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
          target: new URL(target.url).origin,
          attempts: 1,
          next: null,
          done: expect.stringMatching(/Z$/),
          last_error: expect.stringContaining('410'),
        },
      ],
    ])
    expect(await execute(listCallbacksSql('waiting', 1000))).toEqual([[]])

    target.respond(status(200))
    const unknown = replayCallbacksSql({ kind: 'event', id: "it's unknown?" }, new Date(), 1000)
    expect((await execute(unknown))[0]).toEqual([])
    const since = new Date(Date.now() - 60_000)
    for (const [index, filter] of [
      { kind: 'dead' } as const,
      { kind: 'event', id } as const,
      { kind: 'since', since } as const,
    ].entries()) {
      const [replayed] = await execute(replayCallbacksSql(filter, new Date(), 1000))
      expect(replayed).toHaveLength(1)
      await worker.scheduled()
      const again = await target.nth(index + 2)
      expect(again.id).toBe(id)
      await expect
        .poll(() => execute(listCallbacksSql('delivered', 1000)), { timeout: 10_000 })
        .toMatchObject([[{ id }]])
    }
    expect(await dead()).toEqual([[]])
  },
)
