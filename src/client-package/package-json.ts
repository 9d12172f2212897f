/** The package.json of `@headgate/client`: client, hooks, Uppy plugin and schema, without the gateway's dependencies. */

import { z } from 'zod'

const packages = z.record(z.string(), z.string())

/** The members of the gateway's package.json that both packages share. */
export const gatewayPackage = z.object({
  version: z.string(),
  license: z.string(),
  dependencies: packages,
  peerDependencies: packages,
  engines: packages,
})

/** Entry points by export. Their paths in `dist` are those of the gateway's package. */
export const ENTRIES = {
  '.': 'client/client.js',
  './react': 'react/react.js',
  './uppy': 'uppy/uppy.js',
} as const

/** Imported where it is installed, to measure videos. */
const OPTIONAL_PACKAGE = 'mediabunny'

/** @param imported names of the packages that the modules import */
export function clientPackageJson(
  { version, license, dependencies, peerDependencies, engines }: z.infer<typeof gatewayPackage>,
  imported: ReadonlySet<string>,
) {
  const used = pick(dependencies, imported)
  const peers = {
    ...pick(peerDependencies, imported),
    ...pick(dependencies, new Set([OPTIONAL_PACKAGE])),
  }
  const missing = [...imported].filter((name) => !(name in used || name in peers))
  if (missing.length > 0) {
    throw new Error(`The frontend package imports what is no dependency: ${missing.join(', ')}`)
  }
  return {
    name: '@headgate/client',
    version,
    description:
      'Uploads files to a headgate gateway until their videos play; with hooks for React, a plugin for Uppy and the GraphQL schema.',
    license,
    type: 'module',
    exports: {
      ...Object.fromEntries(
        Object.entries(ENTRIES).map(([name, path]) => [name, `./dist/${path}`]),
      ),
      './schema.graphql': './schema.graphql',
      './package.json': './package.json',
    },
    files: ['dist', 'schema.graphql'],
    sideEffects: false,
    engines,
    dependencies: used,
    peerDependencies: peers,
    peerDependenciesMeta: Object.fromEntries(
      Object.keys(peers).map((name) => [name, { optional: true }]),
    ),
  }
}

function pick(versions: Readonly<Record<string, string>>, names: ReadonlySet<string>) {
  return Object.fromEntries(Object.entries(versions).filter(([name]) => names.has(name)))
}
