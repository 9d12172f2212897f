/** What a gateway logged about its callbacks. */
import type { TestGateway } from '../kit/gateway.ts'

/** Fields of the log lines of callbacks at this level. */
export function logged({ logs }: TestGateway, level: string): readonly object[] {
  return logs
    .filter((line) => line.level === level && line.message.startsWith('callback'))
    .map(({ fields }) => fields)
}

/** Resolves once so many attempts were logged at this level: their results are recorded soon after. */
export async function untilLogged(
  gateway: TestGateway,
  level: string,
  count: number,
): Promise<void> {
  while (logged(gateway, level).length < count) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}
