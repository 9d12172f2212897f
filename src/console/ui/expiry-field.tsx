/** Form field: a later expiry of an upload URL that can still be used. */

interface ExpiryFieldProps {
  /** RFC 3339. */
  readonly expiresAt: string
  /** Minutes from now; null for the present expiry. */
  readonly minutes: number | null
  readonly onMinutes: (minutes: number | null) => void
}

/** The gateway's maximum is 6 hours, by its own clock. */
const CHOICES: readonly (readonly [number, string])[] = [
  [30, '30 minutes from now'],
  [120, '2 hours from now'],
  [359, '6 hours from now'],
]

export function ExpiryField({ expiresAt, minutes, onMinutes }: ExpiryFieldProps) {
  const time = new Date(expiresAt).toLocaleTimeString('en', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  })
  return (
    <div class="field">
      <label for="edit-expiry">Upload URL expires</label>
      <select
        id="edit-expiry"
        value={minutes ?? ''}
        onChange={({ currentTarget: { value } }) => onMinutes(value === '' ? null : Number(value))}
      >
        <option value="">at {time}</option>
        {CHOICES.map(([choice, label]) => (
          <option key={choice} value={choice}>
            {label}
          </option>
        ))}
      </select>
    </div>
  )
}
