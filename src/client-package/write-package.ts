/** Writes `@headgate/client` to a folder, from compiled modules. `npm pack` and `npm publish` accept it. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ENTRIES, clientPackageJson, gatewayPackage } from './package-json.ts'

/** Source maps name files that are not part of the package. */
const SOURCE_MAP_COMMENT = /^\/\/# sourceMappingURL=.*$/gm
const RELATIVE_LINK = /\[([^\]]*)\]\((?!https?:|#)[^)]*\)/g
/** Static and dynamic imports, and re-exports. */
const IMPORT = /(?:\bfrom|\bimport\(?)\s*['"]([@\w./-]+)['"]/g

/**
 * Replaces the folder.
 * @param root the repository; its modules are compiled in `dist`
 */
export function writePackage(root: string, folder: string): void {
  const compiled = join(root, 'dist')
  const imported = new Set<string>()
  rmSync(folder, { recursive: true, force: true })
  // Only what the entry points import: the compiler leaves the output of deleted sources behind.
  const modules = new Set<string>(Object.values(ENTRIES))
  for (const name of modules) {
    for (const file of [name, name.replace(/\.js$/, '.d.ts')]) {
      const text = readFileSync(join(compiled, file), 'utf8').replaceAll(SOURCE_MAP_COMMENT, '')
      for (const [, specifier = ''] of text.matchAll(IMPORT)) {
        if (specifier.startsWith('.'))
          modules.add(join(dirname(name), specifier.replace(/\.ts$/, '.js')))
        else imported.add(packageOf(specifier))
      }
      const target = join(folder, 'dist', file)
      mkdirSync(dirname(target), { recursive: true })
      writeFileSync(target, `${text.trimEnd()}\n`)
    }
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

/** Returns the package name in a specifier such as `@scope/name/path`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
