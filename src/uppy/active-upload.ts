/** State of one file that is being uploaded, over any number of pauses. */

export class ActiveUpload {
  /** Uid at Stream; null until it is minted. */
  uid: string | null = null
  /** Whether a request that mints the upload is running: if it were aborted, its uid would be lost. */
  isMinting = false
  /** Whether the upload was deleted at the gateway, or is being deleted. */
  isDeleted = false
  #isCanceled = false
  #attempt = new AbortController()
  #resume = noop
  #end: (reason: unknown) => void = noop
  #isEnded = false
  /** Rejects when the upload ends before it is READY. */
  readonly ended = new Promise<never>((_resolve, reject) => {
    this.#end = reject
  })

  /** Whether Uppy has removed the file, or the plugin. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Whether the upload is to be deleted at the gateway. */
  get isCanceled(): boolean {
    return this.#isCanceled
  }

  /** Begins an attempt; returns its signal, which aborts on a pause and at the end. */
  start(): AbortSignal {
    this.#attempt = new AbortController()
    return this.#attempt.signal
  }

  pause(): void {
    this.#attempt.abort()
  }

  resume(): void {
    this.#resume()
  }

  untilResumed(): Promise<void> {
    return new Promise((resolve) => {
      this.#resume = resolve
    })
  }

  /** Ends the upload; it can be resumed with the same file. */
  end(): void {
    this.#isEnded = true
    this.#end(new Error('The upload has ended.'))
    if (!this.#isCanceled || !this.isMinting) this.#attempt.abort()
  }

  /** Ends the upload, which is to be deleted as soon as its uid is known. */
  cancel(): void {
    this.#isCanceled = true
    this.end()
  }
}

function noop(): void {}
