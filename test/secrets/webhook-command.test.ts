/** `headgate webhook` against a Stream that fails: it says what is wrong, and no secret but its own. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { deleteWebhook, setWebhook, showWebhook } from '../../src/commands/webhook.ts'
import { startStubStream, success } from '../stream/stub-stream.ts'
import { apiToken, keptSecrets, webhookSecret } from './test-secrets.ts'
import { answerSecrets, streamFailures } from './stream-failures.ts'
import { type Transcript, createTranscript } from './transcript.ts'

const ADDRESS = 'https://uploads.example.com/webhooks/stream'

const commands = {
  show: showWebhook,
  set: () => setWebhook(ADDRESS, false),
  'set --force': () => setWebhook(ADDRESS, true),
  delete: deleteWebhook,
} as const

/** Runs a command; what it writes, and what it throws, is in the transcript. */
async function run(transcript: Transcript, name: string, command: () => Promise<number>) {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  let thrown: unknown = null
  try {
    await command()
  } catch (error) {
    thrown = error
  } finally {
    transcript.note(`${name}: standard output`, out.mock.calls)
    transcript.note(`${name}: standard error`, err.mock.calls)
    out.mockRestore()
    err.mockRestore()
  }
  transcript.note(`${name}: error`, thrown)
  return thrown
}

function configure(apiBaseUrl: string): Transcript {
  vi.stubEnv('CLOUDFLARE_ACCOUNT_ID', 'account1')
  vi.stubEnv('CLOUDFLARE_API_TOKEN', apiToken)
  vi.stubEnv('CLOUDFLARE_API_BASE_URL', apiBaseUrl)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  return createTranscript([...keptSecrets, ...answerSecrets])
}

describe('headgate webhook', () => {
  it('says nothing of what Stream answered, whatever that was', async () => {
    let answer = success(null)
    const stub = await startStubStream((response, request) => answer(response, request))
    const transcript = configure(stub.url)
    let failed = 0
    for (const [failure, answerer] of Object.entries(streamFailures)) {
      answer = answerer
      for (const [name, command] of Object.entries(commands)) {
        const thrown = await run(transcript, `webhook ${name} during ${failure}`, command)
        if (thrown !== null) failed += 1
      }
    }
    // Some failures are none to a command: a 404 says that there is no webhook.
    expect(failed).toBeGreaterThan(80)
    expect(transcript.leaks()).toEqual([])
  })

  it('shows the new secret once, on standard output, and never the present one', async () => {
    const stub = await startStubStream(
      success({
        notificationUrl: ADDRESS,
        secret: webhookSecret,
        modified: '2024-01-01T00:00:00Z',
      }),
    )
    const transcript = configure(stub.url)
    for (const [name, command] of Object.entries(commands)) await run(transcript, name, command)
    expect(transcript.leaks()).toEqual([
      expect.stringMatching(/^STREAM_WEBHOOK_SECRET in set: standard output: /),
      expect.stringMatching(/^STREAM_WEBHOOK_SECRET in set --force: standard output: /),
    ])
  })
})
