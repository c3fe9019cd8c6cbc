/** The contrast of text, by the rules of WCAG 2. */
import type { Page } from "playwright-core"

/** WCAG AA, for text of the usual size. */
const ENOUGH = 4.5

/**
 * The texts under `selector` whose contrast is too low, with the contrast. A control that is disabled may have less. A colour
 * that is not opaque counts as no background.
 */
export function lowContrasts(page: Page, selector: string): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const channels = (color) => color.match(/[\\d.]+/g).map(Number)
    const luminance = (color) => {
      const [red, green, blue] = channels(color).map((channel) => {
        const share = channel / 255
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const background = (element) => {
      for (let one = element; one !== null; one = one.parentElement) {
        const color = getComputedStyle(one).backgroundColor
        if ((channels(color)[3] ?? 1) === 1) return color
      }
      return "rgb(255, 255, 255)"
    }
    const contrast = (one, other) => {
      const [dark, light] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
      return (light + 0.05) / (dark + 0.05)
    }
    const hasText = (element) =>
      element.value || [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "")
    return [...document.querySelectorAll(${JSON.stringify(`${selector} *`)})]
      .filter((element) => element.checkVisibility() && !element.disabled && hasText(element))
      .map((element) => [contrast(getComputedStyle(element).color, background(element)), element])
      .filter(([value]) => value < ${ENOUGH})
      .map(([value, element]) => value.toFixed(2) + " " + (element.id || element.innerText))
  })()`)
}
