/** `headgate signing-key`: creates, lists and deletes the account's keys for playback tokens. */
import { escapeControls } from '../shared/terminal-controls.ts'
import { type SigningKeys, createSigningKeys } from '../stream/rest/signing-keys.ts'
import { readAccount } from './read-account.ts'

const NO_ACCOUNT = 'The embedded emulator signs playback tokens itself.'

function openKeys(): SigningKeys | null {
  const account = readAccount(NO_ACCOUNT)
  return account === null ? null : createSigningKeys(account)
}

export async function createSigningKey(): Promise<number> {
  const keys = openKeys()
  if (keys === null) return 1
  const { id, jwk } = await keys.create()
  process.stdout.write(
    `export STREAM_SIGNING_KEY_ID=${escapeControls(id)}\nexport STREAM_SIGNING_KEY_JWK=${escapeControls(jwk)}\n\n` +
      'Set both variables for the gateway, which signs playback tokens with the key. Stream shows the key only now.\n',
  )
  return 0
}

export async function listSigningKeys(): Promise<number> {
  const keys = openKeys()
  if (keys === null) return 1
  const list = await keys.list()
  if (list.length === 0) {
    process.stdout.write('No signing key. Run `headgate signing-key create`.\n')
  }
  for (const { id, createdAt } of list) {
    const created = createdAt === null ? 'unknown' : createdAt.toISOString()
    const used = id === process.env['STREAM_SIGNING_KEY_ID'] ? '  STREAM_SIGNING_KEY_ID' : ''
    process.stdout.write(`${escapeControls(id)}  created ${created}${used}\n`)
  }
  return 0
}

/** Deletes the configured key only with `force`: all tokens that it signed are rejected at once. */
export async function deleteSigningKey(id: string, force: boolean): Promise<number> {
  const keys = openKeys()
  if (keys === null) return 1
  if (id === process.env['STREAM_SIGNING_KEY_ID'] && !force) {
    process.stderr.write(
      'headgate: STREAM_SIGNING_KEY_ID is this key. Stream rejects all tokens that it signed as soon as it is deleted.\n' +
        '  Create another key and restart the gateway with it first, or use --force.\n',
    )
    return 1
  }
  if (!(await keys.delete(id))) {
    process.stderr.write(
      'headgate: the account has no such signing key. `headgate signing-key list` shows them.\n',
    )
    return 1
  }
  process.stdout.write('Signing key deleted. Stream rejects the tokens that it signed.\n')
  return 0
}
