/** The files of the dashboard: its page, and the library that draws its charts. */
import { existsSync, readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"

/** A file as it is sent. */
export interface PageFile {
  readonly contentType: string
  readonly bytes: Uint8Array
}

const html = "text/html; charset=utf-8"
const css = "text/css; charset=utf-8"
const javascript = "text/javascript; charset=utf-8"
const svg = "image/svg+xml"

/** All of them, by the names under which the page asks for them. */
const contentTypes: Readonly<Record<string, string>> = {
  "index.html": html,
  "dashboard.css": css,
  "icon.svg": svg,
  "Charts.js": javascript,
  "Commands.js": javascript,
  "Feed.js": javascript,
  "Format.js": javascript,
  "History.js": javascript,
  "Summary.js": javascript,
  "Tables.js": javascript,
  "main.js": javascript,
  "uPlot.esm.js": javascript,
  "uPlot.min.css": css
}

/** Of the package `uplot`. */
export const libraryFiles: ReadonlyArray<string> = ["uPlot.esm.js", "uPlot.min.css"]

const folder = join(import.meta.dirname, "page")

/** Beside the page where it was packed, in its own package otherwise. */
const pathOf = (name: string): string => {
  const path = join(folder, name)
  if (!libraryFiles.includes(name) || existsSync(path)) return path
  return createRequire(import.meta.url).resolve(`uplot/dist/${name}`)
}

/**
 * Reads them all, by the paths of their URLs: `/` is the page. Throws when one is missing, which is a mistake of the
 * package.
 */
export const read = (): ReadonlyMap<string, PageFile> =>
  new Map(
    Object.entries(contentTypes).map(([name, contentType]) => [
      name === "index.html" ? "/" : `/${name}`,
      { contentType, bytes: readFileSync(pathOf(name)) }
    ])
  )

/** Fields of every response with one of them: nothing is loaded from elsewhere, and no other page shows this one. */
export const headers: ReadonlyArray<readonly [name: string, value: string]> = [
  [
    "content-security-policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  ],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  // A server of another version may follow at the same address.
  ["cache-control", "no-cache"]
]
