/** YAML that is small to send and large to read. */

/** Ten lines, each of which is nine times the one before it. */
export function yamlBomb(): string {
  const lines = Array.from({ length: 9 }, (_, index) => {
    const last = `*a${index}`
    return `a${index + 1}: &a${index + 1} [${Array.from({ length: 9 }, () => last).join(",")}]`
  })
  return ["a0: &a0 [lol]", ...lines, "spec: {stages: *a9}"].join("\n")
}

/** Lists in lists in lists. */
export function deepYaml(): string {
  return `spec: ${"[".repeat(3000)}${"]".repeat(3000)}`
}
