/** The package.json of `@headgate/client`: the client and the schema, without the gateway's dependencies. */

import { z } from 'zod'

/** The members of the gateway's package.json that both packages share. */
export const gatewayPackage = z.object({
  version: z.string(),
  license: z.string(),
  dependencies: z.record(z.string(), z.string()),
  engines: z.record(z.string(), z.string()),
})

/** @param imported names of the packages that the client's modules import */
export function clientPackageJson(
  { version, license, dependencies, engines }: z.infer<typeof gatewayPackage>,
  imported: ReadonlySet<string>,
) {
  const used = Object.entries(dependencies).filter(([name]) => imported.has(name))
  if (used.length < imported.size)
    throw new Error(
      `The client imports a package that is no dependency: ${[...imported].join(', ')}`,
    )
  return {
    name: '@headgate/client',
    version,
    description:
      'Uploads files to a headgate gateway until their videos play; with its GraphQL schema.',
    license,
    type: 'module',
    exports: {
      '.': './dist/client.js',
      './schema.graphql': './schema.graphql',
      './package.json': './package.json',
    },
    files: ['dist', 'schema.graphql'],
    sideEffects: false,
    engines,
    dependencies: Object.fromEntries(used),
    // Reads durations where there is no `<video>` element. `duration/mediabunny.ts` loads it if it is installed.
    peerDependencies: { mediabunny: dependencies['mediabunny'] },
    peerDependenciesMeta: { mediabunny: { optional: true } },
  }
}
