/** Who may read /metrics, and what stands in it when something cannot be read, or must not be. */
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { startTestGateway } from '../kit/gateway.ts'
import { readScrape, scrape } from '../kit/metrics.ts'
import { metricsToken } from '../secrets/test-secrets.ts'
import { requestAllEndpoints } from '../secrets/visit-endpoints.ts'
import { setupInProcess } from '../secrets/setup.ts'

const TOKEN = 'metrics-token-Xy7'

/** Every table is gone. */
function breakDatabase(file: string): void {
  const database = new Database(file)
  const tables = z
    .array(z.object({ name: z.string() }))
    .parse(database.prepare("select name from sqlite_master where type = 'table'").all())
  for (const { name } of tables) {
    if (!name.startsWith('sqlite_')) database.exec(`alter table "${name}" rename to "gone_${name}"`)
  }
  database.close()
}

describe('/metrics', () => {
  it('is open where no METRICS_TOKEN is set', async () => {
    const { url } = await startTestGateway()
    const answer = await fetch(`${url}/metrics`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const head = await fetch(`${url}/metrics`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const post = await fetch(`${url}/metrics`, { method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
  })

  it('is closed by METRICS_TOKEN to whoever does not send it', async () => {
    const { url } = await startTestGateway({ METRICS_TOKEN: TOKEN })
    const wrong = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      TOKEN,
      `Basic ${TOKEN}`,
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN.toLowerCase()}`,
      `Bearer ${TOKEN} ${TOKEN}`,
    ]
    for (const authorization of wrong) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
      const answer = await fetch(`${url}/metrics`, { headers })
      expect([authorization, answer.status]).toEqual([authorization, 401])
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(await answer.text()).not.toContain('headgate_')
    }
    for (const scheme of ['Bearer', 'bearer']) {
      const headers = { authorization: `${scheme} ${TOKEN}` }
      expect((await fetch(`${url}/metrics`, { headers })).status).toBe(200)
    }
    const seen = await scrape(url, TOKEN)
    expect(
      seen.value('headgate_rejections_total', { route: '/metrics', reason: 'unauthenticated' }),
    ).toBe(wrong.length)
  })

  it('answers with all that can be read, where the database cannot', async () => {
    const gateway = await startTestGateway()
    breakDatabase(gateway.databaseFile)
    const first = await scrape(gateway.url)
    for (const name of ['uploads', 'reservations', 'reserved_seconds', 'sync_lag_seconds']) {
      expect(first.all(`headgate_${name}`)).toEqual([])
      expect(first.types.get(`headgate_${name}`)).toBe('gauge')
    }
    expect(first.value('headgate_stream_api_budget_remaining')).toBe(Infinity)
    expect(first.value('headgate_sync_round_duration_seconds_count')).toBeGreaterThanOrEqual(0)
    const failed = gateway.logs.filter(({ message }) => message === 'reading a gauge failed')
    expect(failed.map(({ fields }) => fields)).toContainEqual(
      expect.objectContaining({ gauge: 'headgate_uploads' }),
    )
    const second = await scrape(gateway.url)
    expect(second.value('headgate_scrape_failures_total', { gauge: 'headgate_uploads' })).toBe(1)
  })

  it('names nobody and no upload, whatever came to the doors', { timeout: 60_000 }, async () => {
    const setup = await setupInProcess()
    const { client, gateway, tokens, transcript } = setup
    const { uid, uploadURL } = await setup.mintBasic(tokens.ada)
    await setup.mintTus(tokens.bob)
    await requestAllEndpoints(setup, uid)
    const headers = { authorization: `Bearer ${metricsToken}` }
    const { status, body } = await client.send({ name: 'a scrape', path: '/metrics', headers })
    expect(status).toBe(200)
    expect(transcript.leaks()).toEqual([])

    const { samples } = readScrape(body)
    const labels = new Set(samples.flatMap((sample) => Object.values(sample.labels)))
    expect(labels).toContain('PENDING_UPLOAD')
    expect([...labels].filter((label) => /ada|bob|root|local|[\da-f]{8}/i.test(label))).toEqual([])
    for (const secret of [
      uid,
      uploadURL,
      tokens.ada.text,
      metricsToken,
      new URL(gateway.url).host,
    ]) {
      expect(body).not.toContain(secret)
    }
  })

  it('has no more series after a hundred strangers than after ten', async () => {
    const { url } = await startTestGateway()
    const knock = async (count: number) => {
      for (let index = 0; index < count; index += 1) {
        const path = `/${crypto.randomUUID()}`
        const method = ['GET', 'PURGE', `X${index}`][index % 3] ?? 'GET'
        await (await fetch(`${url}${path}`, { method })).arrayBuffer()
      }
      return (await scrape(url)).samples.filter(({ name }) => name.startsWith('headgate_')).length
    }
    await scrape(url)
    expect(await knock(100)).toBe(await knock(10))
  })
})
