/**
 * Which texts can be names and descriptions that people read: everything in them can be seen, so no two look the same and differ, and none
 * changes how the text around it is shown. Pure.
 */

/**
 * What cannot be seen: control and format characters (among them those that turn the direction of a text), separators of lines, halves of
 * characters, and what Unicode says is ignored where it cannot be shown. A blank of Braille is none of these.
 */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u

/** What can be seen by itself. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u

/**
 * Invisible characters that change how the characters beside them are written: joiners within emoji, between Arabic letters, and after a
 * mark of a script of India, and the sign that asks for an emoji in colours.
 */
const JOINING = [
  /(?<=\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?)\u200D(?=\p{Extended_Pictographic})/gu,
  /(?<=\p{Extended_Pictographic})\uFE0F/gu,
  /(?<=\p{Script=Arabic})\u200C(?=\p{Script=Arabic})/gu,
  /(?<=(?!\p{Script=Inherited})\p{M})[\u200C\u200D](?=\p{L})/gu,
]

/** Whether a text can be a name: something in it can be seen, and nothing in it cannot. Its ends are trimmed already. */
export function isVisibleName(text: string): boolean {
  return VISIBLE.test(text) && isVisibleText(text)
}

/** Whether a text of several lines can be a description. It may be empty. */
export function isVisibleDescription(text: string): boolean {
  return isVisibleText(text.replaceAll(/\r?\n|\t/g, " "))
}

function isVisibleText(text: string): boolean {
  const rest = JOINING.reduce((left, joiner) => left.replaceAll(joiner, ""), text)
  return !INVISIBLE.test(rest)
}
