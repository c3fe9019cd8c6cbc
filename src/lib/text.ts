/** What texts are made of. Pure. */

/** Whether `text` holds a control character, which has no business in a name. */
export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
