/** What axe-core finds wrong with a page for people who do not see it, or see it badly. */
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { z } from 'zod'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const results = z.object({
  violations: z.array(z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string() })) })),
  passes: z.array(z.object({ id: z.string() })),
})

/** Each violation with where it is; throws where the rules did not run at all. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  // The protocol of the debugger runs it: the page's own content policy stays as it is.
  await page.evaluate(source)
  const { violations, passes } = results.parse(await page.evaluate('axe.run(document)'))
  if (!passes.some(({ id }) => id === 'color-contrast')) throw new Error('axe saw no colours.')
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}
