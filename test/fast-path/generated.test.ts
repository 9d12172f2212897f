/** Generated queries, sent both ways: whatever the lane says, Yoga says the same. */
import { isDeepStrictEqual } from 'node:util'
import { type GraphQLSchema, parse, validate } from 'graphql'
import { describe, expect, it } from 'vitest'
import { schema } from '../../src/graphql/schema.ts'
import { openSqlite } from '../../src/store/sqlite/database.ts'
import { chanceFrom, wholeNumberFrom } from '../chaos/seed.ts'
import { tokenFor } from '../kit/gateway.ts'
import { type GeneratedQuery, writeQuery } from './generated-query.ts'
import { seedUploads } from './seed-uploads.ts'
import { type Sent, comparable, send } from './send-request.ts'
import { LISTED_ORIGIN, setSetup } from './setup.ts'

const seed = wholeNumberFrom('HEADGATE_FAST_PATH_SEED') ?? Math.floor(Math.random() * 1_000_000)
const operations = wholeNumberFrom('HEADGATE_FAST_PATH_OPERATIONS') ?? 1000

/** Sent together, before the store or Stream breaks under the same. */
const BATCH = 40
/** At least so many of a hundred valid operations are to be answered by the lane itself. */
const LEAST_SHARE = 60

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

/** Seconds since 1970: the clock jumps often. */
const LONG_AFTER = 4_000_000_000
/** Seconds for which Stream's figures are not asked for again. */
const FIGURES_SERVE_SECONDS = 11

interface Case {
  readonly generated: GeneratedQuery
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
  readonly isValid: boolean
}

function bodyOf({ query, variables, operationName }: GeneratedQuery): string {
  const given = [...variables].map(([name, json]) => `${JSON.stringify(name)}:${json}`)
  const named = operationName === null ? '' : `,"operationName":${JSON.stringify(operationName)}`
  return `{"query":${JSON.stringify(query)},"variables":{${given.join(',')}}${named}}`
}

function isValid(query: string, on: GraphQLSchema): boolean {
  return validate(on, parse(query)).length === 0
}

function asking(cases: readonly Case[], field: string): readonly Case[] {
  return cases.filter(({ body }) => body.includes(field))
}

function failed(sent: readonly Sent[], code: string): number {
  return sent.filter(({ text }) => text.includes(code)).length
}

function hasErrors(sent: Sent | undefined): boolean {
  return sent?.text.includes('"errors":[') ?? true
}

/** For 10,000 operations on a busy machine. */
const options = { timeout: 900_000 }

describe(`${operations} operations with HEADGATE_FAST_PATH_SEED=${seed}`, options, () => {
  it('are answered the same by the lane and the long way', async () => {
    const setup = await setSetup()
    const world = seedUploads(setup.databaseFile, setup.clock.now())
    const { connection } = openSqlite(setup.databaseFile)
    const chance = chanceFrom(seed)
    const owner = await tokenFor('creator-0', { exp: LONG_AFTER })
    const admin = await tokenFor('admin', { exp: LONG_AFTER, scope: 'uploads:admin' })
    const differences: object[] = []
    const tally = { valid: 0, byLane: 0, broken: 0, away: 0 }

    function makeCase(): Case {
      const generated = writeQuery(schema, chance, world)
      const accept = chance.percent(60)
        ? chance.oneOf(['*/*', 'application/json'])
        : chance.oneOf(ACCEPTS)
      const origin = chance.percent(20)
        ? { origin: chance.oneOf([LISTED_ORIGIN, 'https://evil.example']) }
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

    async function compare({ body, headers }: Case, times: number): Promise<Sent> {
      const long = await send(setup.long, headers, body)
      let last = long
      for (let time = 0; time < times; time += 1) {
        last = await send(setup.fast, headers, body)
        if (!isDeepStrictEqual(comparable(last), comparable(long))) {
          differences.push({ headers, body, long: comparable(long), fast: comparable(last) })
        }
      }
      return last
    }

    /** Everybody in turn, some at a time. */
    async function compareAll(cases: readonly Case[], times: number): Promise<readonly Sent[]> {
      const sent: Sent[] = []
      for (let from = 0; from < cases.length; from += 8) {
        const some = cases.slice(from, from + 8)
        sent.push(...(await Promise.all(some.map((one) => compare(one, times)))))
      }
      return sent
    }

    for (let done = 0; done < operations; done += BATCH) {
      const cases = Array.from({ length: Math.min(BATCH, operations - done) }, makeCase)
      const whole = await compareAll(cases, 4)
      cases.forEach((one, index) => {
        if (!one.isValid) return
        tally.valid += 1
        if (setup.answeredByLane(whole[index]?.requestId ?? '')) tally.byLane += 1
      })
      // The same while the store has no histories, and while Stream does not answer: never both, and not
      // of those that are errors anyway, for which of two errors comes first is a matter of luck.
      const regular = cases.filter((_, index) => !hasErrors(whole[index]))
      connection.exec('alter table upload_events rename to away')
      const withoutStore = await compareAll(asking(regular, 'history'), 1)
      connection.exec('alter table away rename to upload_events')
      await setup.emulator.fault({ on: 'storage_usage', times: 1000, status: 500 })
      setup.clock.advance(FIGURES_SERVE_SECONDS)
      const withoutStream = await compareAll(asking(regular, 'storageUsage'), 1)
      await setup.emulator.clearFaults()
      setup.clock.advance(FIGURES_SERVE_SECONDS)
      tally.broken += failed(withoutStore, 'INTERNAL_SERVER_ERROR')
      tally.away += failed(withoutStream, 'STREAM_UNAVAILABLE')
    }
    connection.close()
    process.stdout.write(
      `The lane answered ${tally.byLane} of ${tally.valid} valid operations of ${operations}; ` +
        `${tally.broken} failed inside and ${tally.away} at Stream, alike.\n`,
    )
    expect(differences.slice(0, 3)).toEqual([])
    expect(tally.valid).toBeGreaterThan(operations * 0.8)
    expect(tally.byLane).toBeGreaterThan((tally.valid * LEAST_SHARE) / 100)
    expect(tally.broken).toBeGreaterThan(0)
    expect(tally.away).toBeGreaterThan(0)
  })
})
