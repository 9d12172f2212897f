/** Reads the code blocks (recipes) of the documentation. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = new URL('../../../', import.meta.url)

/** The code block with this name, which is the second word of its opening fence. */
export function readRecipe(page: string, name: string): string {
  const text = readFileSync(fileURLToPath(new URL(page, root)), 'utf8')
  for (const [, title, code] of text.matchAll(/^```\w+ (\S+)\n([^]*?)^```$/gm)) {
    if (title === name && code !== undefined) return code
  }
  throw new Error(`${page} has no recipe named ${name}.`)
}
