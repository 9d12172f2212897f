/** Recipes of the documentation, run as they stand in the text. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../../', import.meta.url)

/** The code block that a page shows under this name: the second word of its opening fence. */
export function readRecipe(page: string, name: string): string {
  const text = readFileSync(fileURLToPath(new URL(page, root)), 'utf8')
  for (const [, title, code] of text.matchAll(/^```\w+ (\S+)\n([^]*?)^```$/gm)) {
    if (title === name && code !== undefined) return code
  }
  throw new Error(`${page} shows no recipe named ${name}.`)
}
