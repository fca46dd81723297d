import type { Random } from "./Random.ts"

const fields = ["X-A: b", "accept: */*", "Cookie: a=b", "X-Empty:", "x-b: \xe9\t y", "Expect: 100-continue"] as const

/** A valid request, with a body in either form or none. */
export const validRequest = (random: Random): string => {
  const target = random.of(["/", "/a%20b?c=d", "/%C3%A9", "http://b.example/x"])
  const extra = Array.from({ length: random.below(4) }, () => `${random.of(fields)}\r\n`).join("")
  const head = ` ${target} HTTP/1.1\r\nHost: a.example\r\n${extra}`
  const body = random.bytes(40)
  switch (random.below(3)) {
    case 0:
      return `${random.of(["GET", "HEAD", "DELETE"])}${head}\r\n`
    case 1:
      return `POST${head}Content-Length: ${body.length}\r\n\r\n${body}`
    default: {
      const chunk = body.length === 0 ? "" : `${body.length.toString(16)};a="b"\r\n${body}\r\n`
      return `PUT${head}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\nX-Sum: 1\r\n\r\n`
    }
  }
}

const insertions = [
  ...["\r", "\n", "\r\n", "\0", " ", "\t", ":", ";", ",", "0", "f", "-", "%", "#", "\xff"],
  ...["chunked", "Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n", "HTTP/1.0"]
]

/** Changes a text in one place: inserts, replaces, repeats or cuts out. */
export const mutate = (random: Random, text: string): string => {
  const place = random.below(text.length + 1)
  const before = text.slice(0, place)
  const inserted = random.of(["", ...insertions])
  const length = random.below(20)
  switch (random.below(4)) {
    case 0:
      return before + inserted + text.slice(place)
    case 1:
      return before + inserted + text.slice(place + inserted.length)
    case 2:
      return before + text.slice(place, place + length) + text.slice(place)
    default:
      return before + text.slice(place + length)
  }
}

/** Cuts a text into up to four pieces. */
export const split = (random: Random, text: string): ReadonlyArray<string> => {
  const places = Array.from({ length: random.below(4) }, () => random.below(text.length + 1)).toSorted((a, b) => a - b)
  return [...places, text.length].map((end, index, ends) => text.slice(ends[index - 1] ?? 0, end))
}
