/** Code sample for `headgate/client`. */

export function CodeExample() {
  const code = `import { createUploadClient } from 'headgate/client'

const client = createUploadClient({ url: '${location.origin}/graphql' })
const { video } = await client.upload(file)`
  return (
    <section class="from-code" aria-labelledby="code-title">
      <h2 id="code-title">From code</h2>
      <p class="muted">
        This page uses the client that yours can use. The same in GraphQL:{' '}
        <a href="/graphql">GraphiQL</a> has it ready to run.
      </p>
      {/* Focusable, so that keyboard users can scroll it on small screens. */}
      <pre tabIndex={0} role="region" aria-label="Example">
        <code>{code}</code>
      </pre>
    </section>
  )
}
