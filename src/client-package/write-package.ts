/** Writes `@headgate/client` to a folder, from the compiled client. `npm pack` and `npm publish` accept it. */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { clientPackageJson, gatewayPackage } from './package-json.ts'

/** Source maps name files that are not part of the package. */
const SOURCE_MAP_COMMENT = /^\/\/# sourceMappingURL=.*$/gm
const RELATIVE_LINK = /\[([^\]]*)\]\((?!https?:|#)[^)]*\)/g
/** Static and dynamic imports, and re-exports, of a package. */
const PACKAGE_IMPORT = /(?:\bfrom|\bimport\(?)\s*['"]((?:@[\w-]+\/)?[\w-]+)[^'"\n]*['"]/g

/**
 * Replaces the folder.
 * @param root the repository; its client is compiled in `dist/client`
 */
export function writePackage(root: string, folder: string): void {
  const compiled = join(root, 'dist/client')
  const names = readdirSync(compiled, { recursive: true, encoding: 'utf8' })
  const imported = new Set<string>()
  rmSync(folder, { recursive: true, force: true })
  for (const name of names.filter((path) => /\.(?:js|d\.ts)$/.test(path))) {
    const text = readFileSync(join(compiled, name), 'utf8').replaceAll(SOURCE_MAP_COMMENT, '')
    for (const [, specifier = ''] of text.matchAll(PACKAGE_IMPORT)) imported.add(specifier)
    const target = join(folder, 'dist', name)
    mkdirSync(dirname(target), { recursive: true })
    writeFileSync(target, `${text.trimEnd()}\n`)
  }
  for (const [from, to] of [
    ['schema/schema.graphql', 'schema.graphql'],
    ['LICENSE', 'LICENSE'],
  ] as const) {
    copyFileSync(join(root, from), join(folder, to))
  }
  // Other pages are not part of the package.
  const readme = readFileSync(join(root, 'src/client/README.md'), 'utf8')
  writeFileSync(join(folder, 'README.md'), readme.replaceAll(RELATIVE_LINK, '$1'))
  const own = gatewayPackage.parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))
  const text = JSON.stringify(clientPackageJson(own, imported), null, 2)
  writeFileSync(join(folder, 'package.json'), `${text}\n`)
}
