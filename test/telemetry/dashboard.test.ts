/** The dashboard, the alerts and the list of metrics, held against what /metrics really prints. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { noopTracing } from '../../src/uploads/ports/tracing.ts'
import { createPrometheusTelemetry } from '../../src/telemetry/prometheus/prometheus-telemetry.ts'
import { createTestClock } from '../kit/clock.ts'
import { type Scrape, readScrape } from '../kit/metrics.ts'

const place = new URL('../../src/telemetry/', import.meta.url)
const readme = readFileSync(new URL('README.md', place), 'utf8')

const source = z.object({ type: z.literal('prometheus'), uid: z.literal('${datasource}') })
const grid = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() })
const drawn = z.object({
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
const row = z.object({ id: z.number(), type: z.literal('row'), title: z.string(), gridPos: grid })
const dashboard = z
  .object({
    templating: z.object({
      list: z.array(z.object({ name: z.string(), type: z.string(), query: z.unknown() })),
    }),
    panels: z.array(z.discriminatedUnion('type', [row, drawn])),
  })
  .parse(JSON.parse(readFileSync(new URL('grafana.json', place), 'utf8')))

const panels = dashboard.panels.flatMap((panel) => (panel.type === 'row' ? [] : [panel]))
const queries = panels.flatMap(({ title, targets }) =>
  targets.map((target) => ({ title, ...target })),
)

const quiet = (): void => undefined

let seen: Scrape
/** Ours. */
let ours: readonly string[]

/** Everything that is printed has its name and its type there before anything happens. */
beforeAll(async () => {
  const { expose } = createPrometheusTelemetry({
    observe: {
      uploadsByStatus: () => Promise.resolve(new Map()),
      reservations: () => Promise.resolve(0),
      holdings: () => Promise.resolve({ reservedSeconds: 0, storedSeconds: 0 }),
      oldestDue: () => Promise.resolve(null),
      streamBudgetLeft: () => Promise.resolve(1000),
      load: () => ({ inFlight: 0, queued: 0 }),
    },
    clock: createTestClock(),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    traces: noopTracing,
  })
  seen = readScrape((await expose()).text)
  ours = [...seen.types.keys()].filter((name) => name.startsWith('headgate_'))
})

/** Metrics in a query or a text, as they are printed. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/\b(?:headgate|nodejs|process)_\w*\w/g)].map(([name]) => name)
}

/** Whether a query may ask for it: a histogram is printed as three. */
function isPrinted(name: string): boolean {
  if (seen.types.has(name)) return seen.types.get(name) !== 'histogram'
  const [, base = '', part] = /^(.*)_(bucket|sum|count)$/.exec(name) ?? []
  const type = seen.types.get(base)
  return type === 'histogram' || (type === 'summary' && part !== 'bucket')
}

const withoutPart = (name: string): string => name.replace(/_(?:bucket|sum|count)$/, '')

describe('the dashboard', () => {
  it('asks for nothing that is not printed', () => {
    expect(queries.length).toBeGreaterThan(30)
    for (const { title, expr } of queries) {
      const names = namesIn(expr)
      expect([title, names.length > 0]).toEqual([title, true])
      expect([title, names.filter((name) => !isPrinted(name))]).toEqual([title, []])
    }
  })

  it('shows every metric of ours', () => {
    const shown = new Set(queries.flatMap(({ expr }) => namesIn(expr).map(withoutPart)))
    expect(ours.length).toBeGreaterThan(20)
    expect(ours.filter((name) => !shown.has(name))).toEqual([])
  })

  it('names in its legends what its queries keep apart', () => {
    for (const { title, expr, legendFormat } of queries) {
      const kept = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) =>
        labels.split(', '),
      )
      const instances = expr.includes('by (') ? [] : ['instance', 'kind']
      const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label)
      const unknown = named.filter((label) => ![...kept, ...instances].includes(label ?? ''))
      expect([title, unknown]).toEqual([title, []])
    }
  })

  it('can be imported anywhere: its data source is chosen there', () => {
    const variables = dashboard.templating.list.map(({ name, type }) => [name, type])
    expect(variables).toEqual([
      ['datasource', 'datasource'],
      ['instance', 'query'],
    ])
    expect(
      namesIn(JSON.stringify(dashboard.templating)).filter((name) => !isPrinted(name)),
    ).toEqual([])
    for (const { expr, title } of queries) {
      const selected = expr.split('{instance=~"$instance"').length - 1
      expect([title, selected]).toEqual([title, namesIn(expr).length])
    }
  })

  it('has a place of its own for each panel', () => {
    const ids = dashboard.panels.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const taken = new Set<string>()
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect([title, taken.has(`${x} ${y}`)]).toEqual([title, false])
          taken.add(`${x} ${y}`)
        }
      }
    }
  })
})

describe('the README', () => {
  const alerts = [...readme.matchAll(/^ +expr: (.*)$/gm)].map(([, expr = '']) => expr)

  it('alerts by what is printed', () => {
    expect(alerts.length).toBeGreaterThan(10)
    expect(alerts.flatMap(namesIn).filter((name) => !isPrinted(name))).toEqual([])
  })

  it('lists every metric of ours with its type, and no other', () => {
    const listed = new Map<string, string>()
    for (const [, names = '', kind = ''] of readme.matchAll(
      /^\| (`headgate_[^|]*) \| (\w+) \|/gm,
    )) {
      for (const name of namesIn(names)) listed.set(name, kind)
    }
    const printed = ours.map((name) => [name, seen.types.get(name)] as const)
    expect(listed).toEqual(new Map(printed))
  })
})
