/** Renders every hook on a server, and hydrates the HTML in Chromium. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'vite'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { describeInChromium } from '../browser/kit/chromium.ts'
import { hasNoPackages, packagesHint } from '../browser/kit/frontend.ts'
import { createDirectUpload, expectMinted } from '../kit/operations.ts'
import { REACT_VERSIONS, type ReactVersion, aliasesFor, bundlePage, openReactPage } from './kit.ts'
import { PAGE } from './page.ts'

/** Renders the view `Everything` in a process of Node; returns what it prints. */
async function renderOnServer(version: ReactVersion, url: string, uid: string) {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-server-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const args = JSON.stringify([{ url }, 'Everything', { uid }])
  const entry = join(folder, 'server.tsx')
  await writeFile(
    entry,
    `${PAGE}
    import { renderToString } from 'react-dom/server'
    process.stdout.write(typeof window + htmlOf(renderToString, ...${args}))`,
  )
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: aliasesFor(version) },
    ssr: { noExternal: true },
    build: { ssr: entry, outDir: join(folder, 'out'), minify: false },
  })
  const run = promisify(execFile)
  return run(process.execPath, [join(folder, 'out/server.js')], { timeout: 10_000 })
}

describeInChromium(`headgate/react on a server${packagesHint}`, () => {
  describe.skipIf(hasNoPackages).each(REACT_VERSIONS)('with React $major', (version) => {
    let script = ''
    beforeAll(async () => {
      script = await bundlePage(version, PAGE)
    })

    it('renders without a window and without requests, and continues in the browser', async () => {
      const opened = await openReactPage(script)
      const { gateway, url, call, untilShown, errors, subscriptions } = opened
      const { uid } = expectMinted(await createDirectUpload(gateway.as(), { name: 'film' }))
      // The process ends by itself: nothing is left open.
      const { stdout, stderr } = await renderOnServer(version, 'http://127.0.0.1:9/graphql', uid)
      expect(stderr).toBe('')
      expect(stdout).toMatch(/^undefined<section><p data-testid="list">loading<\/p>/)
      expect(stdout).toContain('<p data-testid="row">loading</p>')
      expect(stdout).toContain('<p data-testid="player">loading</p>')
      expect(stdout).toContain('<p data-testid="upload">nothing</p>')

      const html = stdout.slice('undefined'.length)
      await call('hydrate', html, { url }, 'Everything', { uid })
      await untilShown('list', 'film live')
      await untilShown('row', 'film PENDING_UPLOAD live')
      await untilShown('player', 'nothing')
      await untilShown('count', '0 of 0')
      expect(await subscriptions()).toBe(1)
      expect(errors()).toEqual([])
    })

    it('renders with a relative URL, which only the page can resolve', async () => {
      const { stdout, stderr } = await renderOnServer(version, '/graphql', 'unknown')
      expect(stderr).toBe('')
      expect(stdout).toContain('<p data-testid="list">loading</p>')
    })
  })
})
