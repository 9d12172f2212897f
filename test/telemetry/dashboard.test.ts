/** The dashboard, the alerts and the documented metrics match the output of `/metrics`. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { noopTracing } from '../../src/uploads/ports/tracing.ts'
import { createPrometheusTelemetry } from '../../src/telemetry/prometheus/prometheus-telemetry.ts'
import { createTestClock } from '../kit/clock.ts'
import { type Scrape, readScrape } from '../kit/metrics.ts'

const telemetryFolder = new URL('../../src/telemetry/', import.meta.url)
const readme = readFileSync(new URL('README.md', telemetryFolder), 'utf8')

const source = z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') })
const grid = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() })
const graphPanel = z.object({
  id: z.number(),
  type: z.enum(['timeseries', 'stat']),
  title: z.string().min(1),
  description: z.string().min(1),
  datasource: source,
  gridPos: grid,
  targets: z
    .array(z.object({ datasource: source, expr: z.string(), legendFormat: z.string() }))
    .min(1),
})
const rowPanel = z.object({
  id: z.number(),
  type: z.literal('row'),
  title: z.string(),
  gridPos: grid,
})
const dashboard = z
  .object({
    templating: z.object({
      list: z.array(z.object({ name: z.string(), type: z.string(), query: z.unknown() })),
    }),
    panels: z.array(z.discriminatedUnion('type', [rowPanel, graphPanel])),
  })
  .parse(JSON.parse(readFileSync(new URL('grafana.json', telemetryFolder), 'utf8')))

const panels = dashboard.panels.flatMap((panel) => (panel.type === 'row' ? [] : [panel]))
const queries = panels.flatMap(({ title, targets }) =>
  targets.map((target) => ({ title, ...target })),
)

const ignore = (): void => undefined

let exposed: Scrape
/** Names of the metrics of the gateway. */
let gatewayMetrics: readonly string[]

/** Every metric is exposed with its name and type before the first observation. */
beforeAll(async () => {
  const { expose } = createPrometheusTelemetry({
    readings: {
      uploadsByStatus: () => Promise.resolve(new Map()),
      reservations: () => Promise.resolve(0),
      quotaUsage: () => Promise.resolve({ reservedSeconds: 0, storedSeconds: 0 }),
      oldestPollDue: () => Promise.resolve(null),
      callbacks: () => Promise.resolve(new Map()),
      streamBudgetRemaining: () => Promise.resolve(1000),
      load: () => ({ inFlight: 0, queued: 0 }),
    },
    clock: createTestClock(),
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    tracing: noopTracing,
  })
  exposed = readScrape((await expose()).text)
  gatewayMetrics = [...exposed.types.keys()].filter((name) => name.startsWith('headgate_'))
})

/** Returns the metric names in a query or a text. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/\b(?:headgate|nodejs|process)_\w*\w/g)].map(([name]) => name)
}

/** Whether `/metrics` contains this series; a histogram has three series. */
function isExposed(name: string): boolean {
  if (exposed.types.has(name)) return exposed.types.get(name) !== 'histogram'
  const [, base = '', suffix] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? []
  const type = exposed.types.get(base)
  return type === 'histogram' || (type === 'summary' && suffix !== 'bucket')
}

const withoutSuffix = (name: string): string => name.replace(/_(?:bucket|sum|count)$/, '')

describe('the dashboard', () => {
  it('queries only exposed metrics', () => {
    expect(queries.length).toBeGreaterThan(30)
    for (const { title, expr } of queries) {
      const names = namesIn(expr)
      expect([title, names.length > 0]).toEqual([title, true])
      expect([title, names.filter((name) => !isExposed(name))]).toEqual([title, []])
    }
  })

  it('shows every metric of the gateway', () => {
    const shown = new Set(queries.flatMap(({ expr }) => namesIn(expr).map(withoutSuffix)))
    expect(gatewayMetrics.length).toBeGreaterThan(20)
    expect(gatewayMetrics.filter((name) => !shown.has(name))).toEqual([])
  })

  it('uses only labels of its queries in legends', () => {
    for (const { title, expr, legendFormat } of queries) {
      const groupedBy = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
        labels.split(', '),
      )
      const instances = expr.includes('by (') ? [] : ['instance', 'kind']
      const legendLabels = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
      const unknown = legendLabels.filter(
        (label) => ![...groupedBy, ...instances].includes(label ?? ''),
      )
      expect([title, unknown]).toEqual([title, []])
    }
  })

  it('has a variable data source, so that it can be imported anywhere', () => {
    const variables = dashboard.templating.list.map(({ name, type }) => [name, type])
    expect(variables).toEqual([
      ['datasource', 'datasource'],
      ['instance', 'query'],
    ])
    expect(
      namesIn(JSON.stringify(dashboard.templating)).filter((name) => !isExposed(name)),
    ).toEqual([])
    for (const { expr, title } of queries) {
      const selected = expr.split('{instance=~"$instance"').length - 1
      expect([title, selected]).toEqual([title, namesIn(expr).length])
    }
  })

  it('has no overlapping panels', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const occupied = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, occupied.has(`${x} ${y}`)]).toEqual([title, false])
          occupied.add(`${x} ${y}`)
        }
      }
    }
  })
})

describe('the README', () => {
  const alerts = [...readme.matchAll(/^ +expr: (.*)$/gm)].map(([, expr = '']) => expr)

  it('uses only exposed metrics in alerts', () => {
    expect(alerts.length).toBeGreaterThan(10)
    expect(alerts.flatMap(namesIn).filter((name) => !isExposed(name))).toEqual([])
  })

  it('lists exactly the metrics of the gateway with their types', () => {
    const listed = new Map<string, string>()
    for (const [, names = '', kind = ''] of readme.matchAll(
      /^\| (`headgate_[^|]*) \| (\w+) \|/gm,
    )) {
      for (const name of namesIn(names)) listed.set(name, kind)
    }
    const exposedTypes = gatewayMetrics.map((name) => [name, exposed.types.get(name)] as const)
    expect(listed).toEqual(new Map(exposedTypes))
  })
})
