/** `env.STREAM` of the Worker under test: the emulator's binding, created in the isolate that uses it. */
import {
  type StreamBindingOptions,
  createStreamBinding,
} from '../../src/emulator/binding/stream-binding.ts'

export default function openBinding({
  apiBaseUrl,
  accountId,
  token,
}: StreamBindingOptions): ReturnType<typeof createStreamBinding> {
  return createStreamBinding({ apiBaseUrl, accountId, token })
}
