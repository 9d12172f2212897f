/** Settings that are constant while the emulator runs. */
export interface Settings {
  readonly accountId: string
  readonly token: string
  /** The account's storage limit in minutes. */
  readonly storageMinutes: number
  /** Processing time of a received file, in milliseconds. */
  readonly encodeMs: number
  /** Base URL for clients, without a trailing slash. */
  readonly publicUrl: string
  /** Whether machines other than this one can reach the emulator. */
  readonly reachableByOthers: boolean
}
