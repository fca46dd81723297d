/** The page that shows what is in a directory. It needs no scripts and loads nothing. */
import { toUrlPath } from "@pagi/node/static/TargetPath"

export interface Entry {
  readonly name: string
  readonly isDirectory: boolean
  /** In bytes. */
  readonly size: number
  /** Milliseconds since 1970. */
  readonly modified: number
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? character)

/** The last millisecond that a JavaScript date can hold. */
const maxDate = 8.64e15

const units = ["KiB", "MiB", "GiB", "TiB"]

/** A size that is easy to read: `17 B`, `1.5 KiB`. */
export const formatSize = (size: number): string => {
  if (size < 1024) return `${size} B`
  const power = Math.min(Math.floor(Math.log2(size) / 10), units.length)
  const value = size / 1024 ** power
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power - 1] ?? ""}`
}

/** File systems hold times beyond what a date can be. */
const formatTime = (millis: number): string => {
  const iso = new Date(Math.min(Math.max(millis, -maxDate), maxDate)).toISOString()
  return `<time datetime="${iso}">${iso.slice(0, 16).replace("T", " ")}</time>`
}

const collator = new Intl.Collator("en", { numeric: true })
const byKindAndName = (left: Entry, right: Entry): number =>
  Number(right.isDirectory) - Number(left.isDirectory) || collator.compare(left.name, right.name)

/** Names may hold signs that turn the direction of writing; `bdi` keeps their effect inside the name. */
const link = (href: string, text: string): string => `<a href="${escapeHtml(href)}"><bdi>${escapeHtml(text)}</bdi></a>`

const row = (entry: Entry): string => {
  const slash = entry.isDirectory ? "/" : ""
  const name = link(`./${encodeURIComponent(entry.name)}${slash}`, `${entry.name}${slash}`)
  const size = entry.isDirectory ? "" : `<span title="${entry.size} bytes">${formatSize(entry.size)}</span>`
  return `<tr><td>${name}<td>${size}<td>${formatTime(entry.modified)}`
}

const parentRow = '<tr><td><a href="../">../</a><td><td>'

const style = `
:root { color-scheme: light dark; font: 1rem/1.6 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.25rem; font-weight: 600; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse }
th { text-align: left; font-weight: 600 }
th, td { padding: .2rem .5rem; border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) }
td:first-child { overflow-wrap: anywhere }
th:nth-child(2), td:nth-child(2), th:nth-child(3), td:nth-child(3) {
  text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums
}
a { text-decoration: none }
a:hover, a:focus { text-decoration: underline }
`

const heading = (names: ReadonlyArray<string>): string => {
  const steps = names.map((name, index) => link(toUrlPath(names.slice(0, index + 1)), name))
  return `${link("/", "/")} ${steps.map((step) => `${step} / `).join("")}`
}

/**
 * Writes the page.
 *
 * @param names the way from the root to the directory
 * @param omitted how many entries the directory has beyond those given
 */
export const render = (names: ReadonlyArray<string>, entries: ReadonlyArray<Entry>, omitted: number): string => {
  const title = escapeHtml(["", ...names, ""].join("/"))
  const rows = [...(names.length === 0 ? [] : [parentRow]), ...entries.toSorted(byKindAndName).map(row)]
  return `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}</style>
<h1>${heading(names)}</h1>
<table>
<thead><tr><th>Name<th>Size<th>Modified (UTC)
<tbody>
${rows.join("\n")}
</table>
${omitted === 0 ? "" : `<p>… and ${omitted} more`}
</html>
`
}
