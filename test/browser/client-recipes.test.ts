/** The recipes of src/client/README.md as they stand there, with the client as it is published. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { TEST_SECRET, startTestGateway, tokenFor } from '../kit/gateway.ts'
import { testcard } from '../kit/media.ts'
import { describeInChromium, openPage } from './kit/chromium.ts'
import { type Frontend, buildClient, createFrontend } from './kit/frontend.ts'
import { readRecipe } from './kit/recipe.ts'
import { bundleSite, serveSite } from './kit/site.ts'

const PAGE = 'src/client/README.md'

/** What the test does on the page. */
const DRIVER = /* js */ `
  import { upload } from 'virtual:recipe.js'
  export async function run({ url, token, maxDurationSeconds }) {
    const [file] = document.querySelector('input').files
    const told = []
    const order = { url, getToken: async () => token, maxDurationSeconds, onProgress: (one) => told.push(one) }
    return upload(file, order).then((video) => ({ video, told }), ({ message }) => ({ message }))
  }
`

const played = z.object({
  video: z.object({ hlsURL: z.url(), durationSeconds: z.number() }),
  told: z.array(z.number()),
})

let frontend: Frontend
beforeAll(async () => {
  frontend = await createFrontend({
    'browser.js': readRecipe(PAGE, 'browser.js'),
    'node.js': readRecipe(PAGE, 'node.js'),
  })
  await buildClient(frontend)
})
afterAll(() => frontend.remove())

describeInChromium('the recipe for headgate/client', () => {
  it('brings a file to a video that plays, and says what is refused', async () => {
    const { folder } = frontend
    const script = await bundleSite("export * from '/browser.js'", { folder, driver: DRIVER })
    const site = await serveSite(script)
    const gateway = await startTestGateway({
      AUTH_JWT_SECRET: TEST_SECRET,
      ALLOWED_ORIGINS: site.origin,
    })
    const { page, errors, origins } = await openPage(site.url)
    await page.setInputFiles('input', testcard.path)
    const token = await tokenFor('ada')
    const run = (given: object): Promise<unknown> => {
      const order = { url: `${gateway.url}/graphql`, token, ...given }
      return page.evaluate(`window.recipe.run(${JSON.stringify(order)})`)
    }

    const { video, told } = played.parse(await run({ maxDurationSeconds: 60 }))
    expect(video.durationSeconds).toBe(testcard.durationSeconds)
    expect(told.at(-1)).toBe(1)
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(await run({ maxDurationSeconds: 0 })).toEqual({
      message: expect.stringMatching(/^maxDurationSeconds: .+\.$/),
    })
    expect(errors).toEqual([])
    expect([...origins].toSorted()).toEqual(
      [site.origin, gateway.url, gateway.emulator.url].toSorted(),
    )
    expect(await run({ token: 'stale' })).toEqual({ message: 'Sign in again.' })
  })
})

describe('the recipe for headgate/client in Node', () => {
  it('brings a file of the disk to READY', async () => {
    const gateway = await startTestGateway({ AUTH_JWT_SECRET: TEST_SECRET })
    const order = { url: `${gateway.url}/graphql`, token: await tokenFor('ada') }
    const { stdout, stderr } = await frontend.node(
      '--input-type=module',
      '--eval',
      `import { upload } from './node.js'
      const { status, name } = await upload('${testcard.path}', ${JSON.stringify(order)})
      console.log(status, name)`,
    )
    expect({ stdout, stderr }).toEqual({ stdout: 'READY testcard.mp4\n', stderr: '' })
  })
})
