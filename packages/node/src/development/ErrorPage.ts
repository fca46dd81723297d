/** An error as a page, as JSON and as text. */
import { createHash } from "node:crypto"
import type { ErrorReport, ReportedError, SourceLine } from "./ErrorReport.ts"
import type { Frame } from "./StackFrames.ts"

/** What the error is about. */
export interface Occasion {
  /** What went wrong, in a few words, such as `GET /orders failed`. */
  readonly title: string
  /** What that means for whoever sees it. */
  readonly advice: string
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;"
}

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character] ?? "")

/** Controls would be nothing on a page, and orders to a terminal. Line breaks and tabs stay. */
const visible = (text: string): string =>
  text.replace(/[^\P{Cc}\t\n]|[\u202a-\u202e\u2066-\u2069]/gu, (character) =>
    character === "\r" ? "" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

const html = (text: string): string => escape(visible(text))

const style = `
:root{color-scheme:light dark;--back:#fff;--front:#1d2330;--faint:#5c6579;--code:#f4f5f8;--edge:#d9dde6;--mark:#fde8e6;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--back:#14171f;--front:#e7eaf1;--faint:#9aa4b8;--code:#1c212c;--edge:#323a4b;--mark:#4a2020;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--front);font:16px/1.5 system-ui,sans-serif}
main{max-width:68rem;margin:0 auto;padding:2rem 1.25rem 3rem}
.title{margin:0;color:var(--faint);overflow-wrap:anywhere}
h1{margin:.25rem 0 0;font-size:1.5rem;line-height:1.3;overflow-wrap:anywhere;white-space:pre-wrap}
h2{margin:2rem 0 .5rem;font-size:1.05rem;overflow-wrap:anywhere;white-space:pre-wrap}
h1 b,h2 b{color:var(--bad)}
p{margin:.75rem 0}
code,pre,.place{font:13.5px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.place{margin:1.25rem 0 .4rem;overflow-wrap:anywhere}
pre{margin:0;padding:.6rem 0;overflow-x:auto;background:var(--code);border:1px solid var(--edge);border-radius:8px;tab-size:4}
pre>span{display:block;width:max-content;min-width:100%;padding:0 1rem 0 0}
pre code{display:inline-block;vertical-align:top}
pre i{display:inline-block;width:4.5em;padding-right:1.2em;text-align:right;color:var(--faint);font-style:normal;user-select:none}
pre .hit{background:var(--mark);box-shadow:inset 3px 0 var(--bad)}
pre .hit i,pre u{color:var(--bad);text-decoration:none;font-weight:700}
ol{margin:.5rem 0 0;padding:0;list-style:none}
li{padding:.3rem 0;border-top:1px solid var(--edge);overflow-wrap:anywhere}
li span{color:var(--faint)}
summary{margin-top:1rem;cursor:pointer;color:var(--faint)}
summary:focus-visible,pre:focus-visible{outline:2px solid var(--bad);outline-offset:2px}
footer{margin-top:2.5rem;color:var(--faint);font-size:.9rem}
`

/** What the page may do: use its own styles, and nothing else. */
export const policy = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'`

const isPlaceOf = ({ place }: ReportedError, { number }: SourceLine): boolean => place?.line === number

/** The blanks before the column, with the tabs of the line, so that what is below it stands where it should. */
const indentation = (text: string, column: number): string => text.slice(0, column - 1).replace(/[^\t]/g, " ")

const lineOf = (error: ReportedError, line: SourceLine): string => {
  const number = `<i>${line.number}</i>`
  if (!isPlaceOf(error, line)) return `<span>${number}<code>${html(line.text)}</code></span>`
  const column = error.place?.column
  const mark = column === undefined ? "" : `\n${indentation(line.text, column)}<u aria-hidden="true">^</u>`
  return `<span class="hit">${number}<code>${html(line.text)}${mark}</code></span>`
}

const placeText = ({ column, file, line }: NonNullable<ReportedError["place"]>): string =>
  column === undefined ? `${file}:${line}` : `${file}:${line}:${column}`

const sourceOf = (error: ReportedError): string => {
  if (error.place === undefined) return ""
  const place = `<p class="place">${html(placeText(error.place))}</p>`
  if (error.source.length === 0) return place
  const lines = error.source.map((line) => lineOf(error, line)).join("")
  return `${place}<pre tabindex="0" aria-label="The code around the error">${lines}</pre>`
}

const frameOf = (frame: Frame): string =>
  `<li><code>${frame.call === "" ? "" : `${html(frame.call)} <span>at</span> `}${html(placeText(frame))}</code></li>`

/** The program's own calls first; the others are there for those who want to see them. */
const framesOf = ({ frames }: ReportedError): string => {
  const own = frames.filter(({ isOwn }) => isOwn)
  const others = frames.filter(({ isOwn }) => !isOwn)
  const list = (shown: ReadonlyArray<Frame>) => `<ol>${shown.map(frameOf).join("")}</ol>`
  const ownCalls = own.length === 0 ? "" : `<h2>Calls</h2>${list(own)}`
  if (others.length === 0) return ownCalls
  const what = `${others.length} ${own.length === 0 ? "" : "more "}call${others.length === 1 ? "" : "s"} in packages and Node`
  return `${ownCalls}<details><summary>${what}</summary>${list(others)}</details>`
}

const headline = ({ message, name }: ReportedError): string =>
  name === "" ? html(message) : `<b>${html(name)}:</b> ${html(message)}`

const headlineText = ({ message, name }: ReportedError): string => (name === "" ? message : `${name}: ${message}`)

/** The page, which needs no other file and no script. */
export const toHtml = ({ advice, title }: Occasion, [error, ...causes]: ErrorReport): string => {
  const shownCauses = causes.map(
    (cause) => `<section><h2>Caused by ${headline(cause)}</h2>${sourceOf(cause)}${framesOf(cause)}</section>`
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${html(headlineText(error).split("\n", 1)[0] ?? "")}</title>
<style>${style}</style>
</head>
<body>
<main>
<p class="title">${html(title)}</p>
<h1>${headline(error)}</h1>
${sourceOf(error)}
${framesOf(error)}
${shownCauses.join("\n")}
<footer>${html(advice)}</footer>
</main>
</body>
</html>
`
}

const plainSource = (error: ReportedError): ReadonlyArray<string> => {
  const width = String(error.source.at(-1)?.number ?? 0).length
  return error.source.flatMap((line) => {
    const isHit = isPlaceOf(error, line)
    const text = `${isHit ? ">" : " "} ${String(line.number).padStart(width)} | ${line.text}`
    const column = error.place?.column
    return isHit && column !== undefined
      ? [text, `  ${" ".repeat(width)} | ${indentation(line.text, column)}^`]
      : [text]
  })
}

const plainError = (error: ReportedError): ReadonlyArray<string> => [
  headlineText(error),
  ...(error.place === undefined ? [] : ["", placeText(error.place), ...plainSource(error)]),
  "",
  ...[...error.frames.filter(({ isOwn }) => isOwn), ...error.frames.filter(({ isOwn }) => !isOwn)].map(
    (frame) => `    at ${frame.call === "" ? placeText(frame) : `${frame.call} (${placeText(frame)})`}`
  )
]

/** The same as text, for a terminal. */
export const toText = ({ advice, title }: Occasion, [error, ...causes]: ErrorReport): string =>
  `${visible([title, "", ...plainError(error), ...causes.flatMap((cause) => ["", "Caused by", ...plainError(cause)]), "", advice].join("\n"))}\n`

const jsonError = ({ frames, message, name, place, source }: ReportedError) => ({
  name,
  message,
  ...place,
  source: source.map(({ number, text }) => ({ line: number, text })),
  calls: frames.map(({ call, column, file, isOwn, line }) => ({ call, file, line, column, own: isOwn }))
})

/** The same as JSON, for programs. */
export const toJson = ({ title }: Occasion, [error, ...causes]: ErrorReport): string =>
  // The escapes that make controls visible are those of JSON.
  `${visible(JSON.stringify({ title, error: jsonError(error), causes: causes.map(jsonError) }, undefined, 2))}\n`
