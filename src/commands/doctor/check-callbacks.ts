/** Check of `headgate doctor` for callbacks; on request, sends a test to each target. */
import { nameTargets } from '../../callbacks/target-names.ts'
import type { Config } from '../../config/gateway-config.ts'
import { sendTestCallback } from '../send-test-callback.ts'
import type { CheckResult } from './checks.ts'

const subject = 'Callbacks'

/** @param sendsTest whether to send a test callback to each target */
export async function checkCallbacks(
  { callbacks }: Pick<Config, 'callbacks'>,
  sendsTest: boolean,
): Promise<readonly CheckResult[]> {
  if (callbacks === null) {
    const sentence =
      'no events of uploads are sent to the application. Set CALLBACK_URLS and CALLBACK_SECRET.'
    return [{ state: sendsTest ? 'error' : 'ok', subject, sentence }]
  }
  const names = nameTargets(callbacks.targets)
  if (!sendsTest) {
    const sentence = `sent to ${[...names.values()].join(', ')}. \`headgate doctor --callbacks\` sends a test.`
    return [{ state: 'ok', subject, sentence }]
  }
  return Promise.all(
    [...names].map(async ([target, name]): Promise<CheckResult> => {
      const { status, error } = await sendTestCallback(target, callbacks.secrets)
      return error === null
        ? { state: 'ok', subject, sentence: `${name} accepted a test (status ${status}).` }
        : { state: 'error', subject, sentence: `${name}: ${error} ${adviceFor(status)}` }
    }),
  )
}

function adviceFor(status: number | null): string {
  if (status === null) return 'Check CALLBACK_URLS and the network.'
  return status === 401 || status === 403
    ? 'Compare CALLBACK_SECRET with the secret of the receiver.'
    : 'The log of the receiver has the reason.'
}
