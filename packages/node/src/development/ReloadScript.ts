/** The script of a page that reloads itself. */
import type { CodeVersion } from "./NewestCode.ts"

/** Where the event stream is, below the prefix of the application. */
export const streamPath = "/.pagi/reload"

/** The name of the stream's event that asks to connect again, as this process leaves. */
export const leaving = "leaving"

/**
 * What runs in the page: a function of the place of the stream and the version that the page was made from. It listens
 * only while the page can be seen, since browsers have six connections to a server by HTTP/1.1, for all pages together. A
 * frame leaves it to the page that it is in. Later code reloads the page, and so does a problem of later code; earlier
 * code does not, which some of several workers may still have.
 */
const program = `(place, page) => {
  const mark = "__pagiReload"
  try {
    if (window !== parent && mark in parent) return
  } catch {}
  if (mark in window) return
  window[mark] = true
  let source
  const close = () => source?.close()
  const connect = () => {
    close()
    const opened = (source = new EventSource(place))
    opened.onmessage = ({ data }) => {
      const now = JSON.parse(data)
      const isLater = now.generation > page.generation
      const isWorse = now.generation === page.generation && now.problem !== "" && now.problem !== page.problem
      if (!isLater && !isWorse) return
      close()
      location.reload()
    }
    opened.addEventListener("${leaving}", () => {
      close()
      setTimeout(look, 10)
    })
    opened.onerror = () => {
      if (opened.readyState === 2 && source === opened) setTimeout(look, 1000)
    }
  }
  const look = () => (document.visibilityState === "visible" ? connect() : close())
  document.addEventListener("visibilitychange", look)
  addEventListener("pagehide", close)
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) look()
  })
  look()
}`

/** As in JSON, and without what could end the script. */
const literal = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c")

/**
 * The element to put into a page.
 *
 * @param prefix of the application, as scopes have it
 * @param nonce as it may stand in an attribute
 */
export const element = (prefix: string, page: CodeVersion, nonce: string | undefined): string => {
  const place = encodeURI(prefix.toWellFormed()) + streamPath
  const attribute = nonce === undefined ? "" : ` nonce="${nonce}"`
  return `<script${attribute}>(${program})(${literal(place)}, ${literal(page)})</script>\n`
}
