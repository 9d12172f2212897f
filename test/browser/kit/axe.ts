/** Accessibility violations that axe-core finds on a page. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { z } from 'zod'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const results = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
  passes: z.array(z.object({ id: z.string() })),
})

/** Each violation with its element. Throws when the rules did not run. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  // Evaluated through the DevTools protocol, which the page's content security policy does not block.
  await page.evaluate(source)
  const { violations, passes } = results.parse(await page.evaluate('axe.run(document)'))
  if (!passes.some(({ id }) => id === 'color-contrast'))
    throw new Error('axe-core checked no color contrast.')
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}
