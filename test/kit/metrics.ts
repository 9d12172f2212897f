/** Reads a gateway's /metrics as Prometheus does. */
import { expect } from 'vitest'
import type { TestClock } from './clock.ts'

/** One line: a name, labels, a value. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The result of one scrape. */
export interface Scrape {
  readonly text: string
  readonly samples: readonly Sample[]
  /** Metric names with their declared types. */
  readonly types: ReadonlyMap<string, string>
  /** Returns the only sample with this name and these labels; fails the test if there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number
  /** Returns all samples with this name. */
  all(name: string): readonly Sample[]
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information */
const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

/** The clocks of running test gateways, by URL. */
const clocks = new Map<string, TestClock>()

/** Returns a function that removes the clock again. */
export function setScrapeClock(gatewayUrl: string, clock: TestClock): () => void {
  clocks.set(gatewayUrl, clock)
  return () => void clocks.delete(gatewayUrl)
}

/**
 * Advances the clock of a test gateway by a second first, because a scrape within one second of another gets
 * the same metrics.
 * @param token sent when the endpoint requires one
 */
export async function scrape(gatewayUrl: string, token?: string): Promise<Scrape> {
  clocks.get(gatewayUrl)?.advance(1)
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(`${gatewayUrl}/metrics`, { headers })
  const text = await response.text()
  expect([response.status, text]).toEqual([200, text])
  return readScrape(text)
}

export function readScrape(text: string): Scrape {
  const lines = text.split('\n').filter((line) => line !== '')
  const samples = lines.filter((line) => !line.startsWith('#')).map(readSample)
  const types = new Map<string, string>()
  for (const line of lines) {
    const [, name, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (name !== undefined && type !== undefined) types.set(name, type)
  }
  const all = (name: string): Sample[] => samples.filter((sample) => sample.name === name)
  return {
    text,
    samples,
    types,
    all,
    value(name, labels = {}) {
      const found = all(name).filter((sample) =>
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      )
      expect(
        found,
        `${name} ${JSON.stringify(labels)} in ${JSON.stringify(all(name))}`,
      ).toHaveLength(1)
      return found[0]?.value ?? Number.NaN
    },
  }
}

function readSample(line: string): Sample {
  const [, name, labels = '', value] = LINE.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`No line of Prometheus: ${line}`)
  return {
    name,
    labels: Object.fromEntries(
      [...labels.matchAll(LABEL)].map(([, label = '', text = '']) => [label, text]),
    ),
    value: value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value),
  }
}
