/** `headgate webhook` against a failing Stream: reports the error and prints no secret but the new one. */
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { deleteWebhook, setWebhook, showWebhook } from '../../src/commands/webhook.ts'
import { startStubStream, success } from '../stream/stub-stream.ts'
import { apiToken, gatewaySecrets, webhookSecret } from './test-secrets.ts'
import { responseSecrets, streamFailures } from './stream-failures.ts'
import { type Transcript, createTranscript } from './transcript.ts'

const ADDRESS = 'https://uploads.example.com/webhooks/stream'

const commands = {
  show: showWebhook,
  set: () => setWebhook(ADDRESS, false),
  'set --force': () => setWebhook(ADDRESS, true),
  delete: deleteWebhook,
} as const

/** Runs a command and records its output and the error that it throws. */
async function run(transcript: Transcript, name: string, command: () => Promise<number>) {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  let thrown: unknown = null
  try {
    await command()
  } catch (error) {
    thrown = error
  } finally {
    transcript.record(`${name}: standard output`, out.mock.calls)
    transcript.record(`${name}: standard error`, err.mock.calls)
    out.mockRestore()
    err.mockRestore()
  }
  transcript.record(`${name}: error`, thrown)
  return thrown
}

function configure(apiBaseUrl: string): Transcript {
  vi.stubEnv('CLOUDFLARE_ACCOUNT_ID', 'account1')
  vi.stubEnv('CLOUDFLARE_API_TOKEN', apiToken)
  vi.stubEnv('CLOUDFLARE_API_BASE_URL', apiBaseUrl)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  return createTranscript([...gatewaySecrets, ...responseSecrets])
}

describe('headgate webhook', () => {
  it('prints nothing from the response when Stream fails', async () => {
    let responder = success(null)
    const stub = await startStubStream((response, request) => responder(response, request))
    const transcript = configure(stub.url)
    let failed = 0
    for (const [failure, failingResponder] of Object.entries(streamFailures)) {
      responder = failingResponder
      for (const [name, command] of Object.entries(commands)) {
        const thrown = await run(transcript, `webhook ${name} during ${failure}`, command)
        if (thrown !== null) failed += 1
      }
    }
    // Some responses are no error for a command: a 404 means that no webhook is set.
    expect(failed).toBeGreaterThan(80)
    expect(transcript.leaks()).toEqual([])
  })

  it('prints the new secret once, to standard output, and never the current one', async () => {
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
