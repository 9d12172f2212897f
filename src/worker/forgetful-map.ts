/**
 * A map that keeps nothing. What is under way in one request is of no use to another here: a request
 * that is given up ends whatever it began, and who waited for that would wait for ever. The database
 * tells requests with the same key apart, as it does for several gateways.
 */
export class ForgetfulMap<Key, Value> extends Map<Key, Value> {
  override set(): this {
    return this
  }
}
