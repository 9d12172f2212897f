/** Sends generated queries to both paths and expects equal responses. */
import { isDeepStrictEqual } from 'node:util'
import { type GraphQLSchema, parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { schema } from '../../src/graphql/schema.ts'
import { createPlaybackSigner } from '../../src/stream/playback-signer.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { chanceFrom, wholeNumberFrom } from '../chaos/seed.ts'
import { tokenFor } from '../kit/gateway.ts'
import { createSigningKey } from '../kit/signing-key.ts'
import { type GeneratedQuery, writeQuery } from './generated-query.ts'
import { seedUploads } from './seed-uploads.ts'
import { type TestResponse, comparable, sendRequest } from './send-request.ts'
import { ALLOWED_ORIGIN, createSetup } from './setup.ts'

const seed = wholeNumberFrom('HEADGATE_FAST_PATH_SEED') ?? Math.floor(Math.random() * 1_000_000)
const operations = wholeNumberFrom('HEADGATE_FAST_PATH_OPERATIONS') ?? 1000

/** Operations that are sent before the same are sent with a failing store or Stream. */
const BATCH = 40
/** Minimum percentage of valid operations that the fast path responds to without bailing out. */
const MIN_PERCENT = 60

const ACCEPTS = [
  '*/*',
  'application/json',
  'application/graphql-response+json',
  'application/graphql-response+json, application/json;q=0.9',
  'text/html, */*;q=0.1',
  'multipart/mixed',
  'text/event-stream',
  'image/png',
] as const

/** Expiry of tokens, in seconds since 1970: late, because the clock is advanced often. */
const FAR_FUTURE = 4_000_000_000
/** Seconds after which the gateway reads the storage usage from Stream again. */
const STORAGE_USAGE_CACHE_SECONDS = 11

interface Case {
  readonly generated: GeneratedQuery
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly isValid: boolean
}

function bodyOf({ query, variables, operationName }: GeneratedQuery): string {
  const entries = [...variables].map(([name, json]) => `${JSON.stringify(name)}:${json}`)
  const nameMember =
    operationName === null ? '' : `,"operationName":${JSON.stringify(operationName)}`
  return `{"query":${JSON.stringify(query)},"variables":{${entries.join(',')}}${nameMember}}`
}

function isValid(query: string, on: GraphQLSchema): boolean {
  return validate(on, parse(query)).length === 0
}

function casesWith(cases: readonly Case[], field: string): readonly Case[] {
  return cases.filter(({ body }) => body.includes(field))
}

function failed(sent: readonly TestResponse[], code: string): number {
  return sent.filter(({ text }) => text.includes(code)).length
}

function hasErrors(sent: TestResponse | undefined): boolean {
  return sent?.text.includes('"errors":[') ?? true
}

/** Sorts the errors of a result. GraphQL does not specify their order: it depends on which field fails first. */
function sortErrors(text: string): string {
  if (!text.startsWith('{"errors":[')) return text
  const { errors, ...rest } = resultSchema.parse(JSON.parse(text))
  const sorted = errors.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  return JSON.stringify({ errors: sorted, ...rest })
}

const resultSchema = z.looseObject({ errors: z.array(z.unknown()) })

/** Long enough for 10,000 operations. */
const options = { timeout: 900_000 }

describe(`${operations} operations with HEADGATE_FAST_PATH_SEED=${seed}`, options, () => {
  it('get equal responses from the fast path and the fallback', async () => {
    const { signingKey } = await createSigningKey()
    const setup = await createSetup({ sign: await createPlaybackSigner(signingKey) })
    const seeded = seedUploads(setup.databaseFile, setup.clock.now())
    const { connection } = openSqlite(setup.databaseFile)
    const chance = chanceFrom(seed)
    const owner = await tokenFor('creator-0', { exp: FAR_FUTURE })
    const admin = await tokenFor('admin', { exp: FAR_FUTURE, scope: 'uploads:admin' })
    const differences: object[] = []
    const totals = { valid: 0, byFastPath: 0, storeFailed: 0, streamFailed: 0 }

    function makeCase(): Case {
      const generated = writeQuery(schema, chance, seeded)
      const accept = chance.percent(60)
        ? chance.oneOf(['*/*', 'application/json'])
        : chance.oneOf(ACCEPTS)
      const origin = chance.percent(20)
        ? { origin: chance.oneOf([ALLOWED_ORIGIN, 'https://evil.example']) }
        : {}
      return {
        generated,
        body: bodyOf(generated),
        headers: {
          authorization: `Bearer ${chance.percent(70) ? owner : admin}`,
          accept,
          ...origin,
        },
        isValid: isValid(generated.query, schema),
      }
    }

    async function compare({ body, headers }: Case, times: number): Promise<TestResponse> {
      const fallback = await sendRequest(setup.fallback, headers, body)
      let last = fallback
      for (let attempt = 0; attempt < times; attempt += 1) {
        last = await sendRequest(setup.fast, headers, body)
        const [fast, expected] = [last, fallback].map((response) =>
          comparable({ ...response, text: sortErrors(response.text) }),
        )
        if (!isDeepStrictEqual(fast, expected)) {
          differences.push({ headers, body, fallback: expected, fast })
        }
      }
      return last
    }

    /** Compares the cases in order, eight at a time. */
    async function compareAll(
      cases: readonly Case[],
      times: number,
    ): Promise<readonly TestResponse[]> {
      const sent: TestResponse[] = []
      for (let from = 0; from < cases.length; from += 8) {
        const some = cases.slice(from, from + 8)
        sent.push(...(await Promise.all(some.map((testCase) => compare(testCase, times)))))
      }
      return sent
    }

    for (let done = 0; done < operations; done += BATCH) {
      const cases = Array.from({ length: Math.min(BATCH, operations - done) }, makeCase)
      const responses = await compareAll(cases, 4)
      cases.forEach((testCase, index) => {
        if (!testCase.isValid) return
        totals.valid += 1
        if (setup.usedFastPath(responses[index]?.requestId ?? '')) totals.byFastPath += 1
      })
      // Again with a store without histories, then with a failing Stream. Operations with errors are left out:
      // which of two errors is reported is not deterministic.
      const regular = cases.filter((_, index) => !hasErrors(responses[index]))
      connection.exec('alter table upload_events rename to missing_events')
      const withoutStore = await compareAll(casesWith(regular, 'history'), 1)
      connection.exec('alter table missing_events rename to upload_events')
      await setup.emulator.fault({ on: 'storage_usage', times: 1000, status: 500 })
      setup.clock.advance(STORAGE_USAGE_CACHE_SECONDS)
      const withoutStream = await compareAll(casesWith(regular, 'storageUsage'), 1)
      await setup.emulator.clearFaults()
      setup.clock.advance(STORAGE_USAGE_CACHE_SECONDS)
      totals.storeFailed += failed(withoutStore, 'INTERNAL_SERVER_ERROR')
      totals.streamFailed += failed(withoutStream, 'STREAM_UNAVAILABLE')
    }
    connection.close()
    process.stdout.write(
      `The fast path responded to ${totals.byFastPath} of ${totals.valid} valid operations of ${operations}; ` +
        `${totals.storeFailed} failed in the store and ${totals.streamFailed} at Stream, on both paths.\n`,
    )
    expect(differences.slice(0, 3)).toEqual([])
    expect(totals.valid).toBeGreaterThan(operations * 0.8)
    expect(totals.byFastPath).toBeGreaterThan((totals.valid * MIN_PERCENT) / 100)
    expect(totals.storeFailed).toBeGreaterThan(0)
    expect(totals.streamFailed).toBeGreaterThan(0)
  })
})
