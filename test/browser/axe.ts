/** What keeps people from using a page, as far as axe can see it. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { Page } from "playwright-core"

const source = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8")

/** What breaks a rule of axe, one of WCAG or of good practice, on the page as it is now: the rule, the element, and why. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(source)
  return page.evaluate<string[]>(`(async () => {
    // Colours that are on their way are none yet.
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished))
    // What it would load first, all style sheets anew, is for rules that these pages give nothing to do.
    const { violations } = await axe.run({ resultTypes: ["violations"], preload: false })
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, any, all, none }) =>
        [id, html.slice(0, 150), ...[any, all, none].flat().map(({ message }) => message)].join(" "),
      ),
    )
  })()`)
}
