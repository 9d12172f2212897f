/** The build steps of a Relay project: the compiler once, Babel for each module. */
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Plugin } from 'vite'
import { z } from 'zod'
import type { Frontend } from './frontend.ts'

const babel = z.object({
  transformAsync: z.custom<
    (code: string, options: object) => Promise<{ readonly code: string } | null>
  >((value) => typeof value === 'function'),
})

/** Runs the recipe's commands in the project; the plugin applies Relay's Babel plugin to its modules. */
export async function compileRelay({ folder }: Frontend, commands: string): Promise<Plugin> {
  await promisify(execFile)('sh', ['-e', '-c', commands], { cwd: folder })
  const loaded: unknown = createRequire(join(folder, 'package.json'))('@babel/core')
  const { transformAsync } = babel.parse(loaded)
  return {
    name: 'relay',
    transform: {
      filter: { id: /\/src\/[^/]*\.ts$/ },
      async handler(code, id) {
        const result = await transformAsync(code, {
          cwd: folder,
          filename: id,
          babelrc: false,
          configFile: false,
          plugins: ['relay'],
        })
        return result?.code ?? null
      },
    },
  }
}
