/** `env.STREAM` of the Worker under test: the emulator's binding, made in the isolate that asks for it. */
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
