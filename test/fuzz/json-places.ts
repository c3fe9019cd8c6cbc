/** Places in a JSON value, and what it becomes when something else stands there. */

/** The keys that lead to a place. */
export type Place = readonly (string | number)[]

/** Every place but the whole. */
export function jsonPlaces(value: unknown, at: Place = []): Place[] {
  if (typeof value !== "object" || value === null) return []
  const members: [string | number, unknown][] = Array.isArray(value)
    ? value.map((member: unknown, index) => [index, member])
    : Object.entries(value)
  return members.flatMap(([key, member]) => [[...at, key], ...jsonPlaces(member, [...at, key])])
}

/** The places where a text stands. */
export function textPlaces(value: unknown): Place[] {
  return jsonPlaces(value).filter((place) => typeof valueAt(value, place) === "string")
}

function valueAt(value: unknown, place: Place): unknown {
  return place.reduce<unknown>((inner, key) => (isObject(inner) ? Reflect.get(inner, key) : undefined), value)
}

/** The JSON of a value in which `token` stands at a place, as it is, or nothing when that is null. */
export function withToken(value: unknown, place: Place, token: string | null): string {
  const [key, ...rest] = place
  if (key === undefined || !isObject(value)) return token ?? ""
  const write = (member: unknown, at: string | number) =>
    String(at) === String(key) ? withToken(member, rest, token) : JSON.stringify(member)
  if (Array.isArray(value)) {
    const members = value.map((member: unknown, index) => write(member, index))
    return `[${members.filter((text) => text !== "").join()}]`
  }
  const members = Object.entries(value).flatMap(([name, member]) => {
    const text = write(member, name)
    return text === "" ? [] : `${JSON.stringify(name)}:${text}`
  })
  return `{${members.join()}}`
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null
}
