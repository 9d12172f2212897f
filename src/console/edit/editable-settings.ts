/** Settings of an upload that the edit form changes, and the changes between two of them. */
import type { Upload } from '../../client/client.ts'
import type { UpdateUploadVariables } from '../data/documents.ts'

export interface EditableSettings {
  /** Empty for no name. */
  readonly name: string
  readonly isPrivate: boolean
}

/** Fields of the mutation's input that change the upload. */
export type UploadChanges = Omit<UpdateUploadVariables['input'], 'uid' | 'expectedVersion'>

export function settingsOf({ name, constraints }: Upload): EditableSettings {
  return { name: name ?? '', isPrivate: constraints.requireSignedURLs }
}

/** Returns what turns `before` into `after`; an empty object if they are equal. */
export function changesBetween(before: EditableSettings, after: EditableSettings): UploadChanges {
  return {
    ...(after.name === before.name ? {} : { name: after.name === '' ? null : after.name }),
    ...(after.isPrivate === before.isPrivate ? {} : { requireSignedURLs: after.isPrivate }),
  }
}

/** Returns the user's settings, and the current ones where the user has changed nothing. */
export function mergeSettings(
  before: EditableSettings,
  edited: EditableSettings,
  current: EditableSettings,
): EditableSettings {
  return {
    name: edited.name === before.name ? current.name : edited.name,
    isPrivate: edited.isPrivate === before.isPrivate ? current.isPrivate : edited.isPrivate,
  }
}

/** Tells the user what somebody else changed. */
export function conflictMessage(before: EditableSettings, current: EditableSettings): string {
  const changes = [
    ...(current.name === before.name ? [] : [`its name is now “${current.name}”`]),
    ...(current.isPrivate === before.isPrivate
      ? []
      : [`it is now ${current.isPrivate ? 'private' : 'public'}`]),
  ]
  const details = changes.length === 0 ? '' : `: ${changes.join(', and ')}`
  return `The upload was changed elsewhere since you opened it${details}. Save again to apply your changes.`
}
