/** Bundles pages of React, and drives them in Chromium with React Testing Library. */
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import type { Plugin } from 'vite'
import { expect } from 'vitest'
import { z } from 'zod'
import { openPage } from '../browser/kit/chromium.ts'
import { bundleSite, serveSite } from '../browser/kit/site.ts'
import { type TestGateway, startTestGateway } from '../kit/gateway.ts'
import { scrape } from '../kit/metrics.ts'
import { type TestNetwork, startNetwork } from '../kit/network.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))
const packages = `${repository}test/recipes/node_modules`

/** Every version of React that the hooks support, with the suffix of its packages in test/recipes. */
export const REACT_VERSIONS = [
  { major: 18, suffix: '-18' },
  { major: 19, suffix: '' },
] as const
export type ReactVersion = (typeof REACT_VERSIONS)[number]

/** Resolves the packages that a page imports: this React, and headgate from its sources. */
export function aliasesFor({ suffix }: ReactVersion) {
  return [
    { find: /^(react|react-dom)(\/.*)?$/, replacement: `${packages}/$1${suffix}$2` },
    { find: /^@testing-library\/(\w+)$/, replacement: `${packages}/@testing-library/$1` },
    { find: 'headgate/react', replacement: `${repository}src/react/react.ts` },
    { find: 'headgate/client', replacement: `${repository}src/client/client.ts` },
  ]
}

/** Bundles a page, a TSX module, with the development build of React, which prints warnings. */
export function bundlePage(version: ReactVersion, code: string): Promise<string> {
  const entry = 'virtual:page.tsx'
  const plugin: Plugin = {
    name: 'react-page',
    config: () => ({
      define: { 'process.env.NODE_ENV': '"development"' },
      resolve: { alias: aliasesFor(version) },
    }),
    resolveId: (id) => (id === entry ? id : null),
    load: (id) => (id === entry ? { code, moduleType: 'tsx' } : null),
  }
  return bundleSite(`export * from '${entry}'`, { plugins: [plugin] })
}

export interface ReactPage {
  readonly page: Page
  readonly gateway: TestGateway
  /** The network between the page and the gateway. */
  readonly network: TestNetwork
  /** The URL of the GraphQL endpoint for the page. */
  readonly url: string
  /** Errors and warnings, except failed requests: those of React, and uncaught errors. */
  readonly errors: () => readonly string[]
  /** Names of the GraphQL operations that the page has sent. */
  readonly operations: readonly string[]
  /** Calls a function that the page's module exports. */
  readonly call: (name: string, ...args: readonly unknown[]) => Promise<unknown>
  /** Waits until the text of the element with this test id is the expected one. */
  readonly untilShown: (testId: string, expected: string | RegExp) => Promise<void>
  /** The number of subscriptions that the gateway has open. */
  readonly subscriptions: () => Promise<number>
}

/** Starts a gateway, and opens the page, whose requests go through a network that can be cut. */
export async function openReactPage(
  script: string,
  variables: Readonly<Record<string, string>> = {},
): Promise<ReactPage> {
  const site = await serveSite(script)
  const gateway = await startTestGateway({ ALLOWED_ORIGINS: site.origin, ...variables })
  const network = await startNetwork(gateway.url)
  const { page, errors } = await openPage(site.url)
  const operations: string[] = []
  page.on('request', (request) => {
    const [, name] =
      /"query":"(?:query|mutation|subscription) (\w+)/.exec(request.postData() ?? '') ?? []
    if (name !== undefined) operations.push(name)
  })
  return {
    page,
    gateway,
    network,
    url: `${network.url}/graphql`,
    errors: () => errors.filter((text) => !text.startsWith('Failed to load resource')),
    operations,
    call: (name, ...args) => page.evaluate(`window.recipe.${name}(...${JSON.stringify(args)})`),
    async untilShown(testId, expected) {
      const text = () =>
        page
          .getByTestId(testId)
          .allInnerTexts()
          .then((all) => all.join(' | '))
      const matching =
        typeof expected === 'string'
          ? expect.stringMatching(exactly(expected))
          : expect.stringMatching(expected)
      await expect.poll(text, { timeout: 15_000 }).toEqual(matching)
    },
    async subscriptions() {
      const metrics = await scrape(gateway.url)
      return metrics.all('headgate_subscriptions').reduce((total, { value }) => total + value, 0)
    },
  }
}

function exactly(text: string): RegExp {
  return new RegExp(`^${text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
}

/** The version of React that runs on the page. */
export async function reactVersionOf(page: ReactPage): Promise<number> {
  return Number.parseInt(z.string().parse(await page.page.evaluate('window.recipe.version')), 10)
}
