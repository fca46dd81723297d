/** Which requests are for a page, and what a client wants instead of one. */
import { listElements } from "@pagi/core/http/CommaList"
import { get, type HeaderBlock } from "@pagi/core/http/HeaderBlock"

/** What a browser says it wants a page for; a script that fetches something says `empty`. */
const destinations = new Set(["document", "iframe", "frame"])

/** The kinds of answers that errors have. */
export type Form = "html" | "json" | "text"

const formOf = (type: string): Form | undefined => {
  if (type === "text/html" || type === "application/xhtml+xml") return "html"
  return type === "application/json" || (type.startsWith("application/") && type.endsWith("+json")) ? "json" : undefined
}

const qualityOf = (parameters: ReadonlyArray<string>): number => {
  const quality = parameters.map((parameter) => /^\s*q=(\S+)\s*$/i.exec(parameter)?.[1]).find((q) => q !== undefined)
  return quality === undefined ? 1 : Number(quality)
}

/**
 * What the client names first of all in its Accept field; text when it names neither pages nor JSON. That it takes
 * anything says nothing about what it can show.
 */
export const wantedForm = (headers: HeaderBlock): Form => {
  let best: Form = "text"
  let highest = 0
  for (const element of listElements(get(headers, "accept") ?? "")) {
    const [type = "", ...parameters] = element.toLowerCase().split(";")
    const form = formOf(type.trim())
    const quality = qualityOf(parameters)
    if (form === undefined || !(quality > highest)) continue
    best = form
    highest = quality
  }
  return best
}

/**
 * Whether a browser, or something like one, asks for a page that it shows. Browsers say so, to a server that is asked by
 * https or on their own machine; of others it is known that they would take a page.
 */
export const isWanted = (method: string, headers: HeaderBlock): boolean => {
  if (method !== "GET" && method !== "HEAD") return false
  const destination = get(headers, "sec-fetch-dest")
  return destination === undefined ? wantedForm(headers) === "html" : destinations.has(destination)
}
