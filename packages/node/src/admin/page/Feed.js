/** What the server tells the page: seconds as they pass, and how it is. It is asked again for as long as it takes. */

/** @import { HistoryPoint } from "../HistoryPoint.ts" */

/** Milliseconds before the first try to connect again; each try after it waits twice as long, up to the longest. */
const shortestPause = 500
const longestPause = 5000

/** Milliseconds without a second being told, after which the connection counts as lost. */
const patience = 6000

/** Milliseconds that an answer may take. */
const answerTimeout = 5000

/**
 * Asks for a document; failures are rejections.
 *
 * @param {string} path
 * @returns {Promise<unknown>}
 */
export const read = async (path) => {
  const response = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(answerTimeout) })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}

/**
 * @typedef {object} Listener
 * @property {(state: "open" | "lost") => void} onState
 * @property {(points: ReadonlyArray<HistoryPoint>) => void} onHistory
 * @property {(point: HistoryPoint) => void} onPoint
 */

export class Feed {
  /** @type {Listener} */
  #listener
  /** @type {EventSource | undefined} */
  #source
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer
  #failures = 0

  /** @param {Listener} listener */
  constructor(listener) {
    this.#listener = listener
    addEventListener("online", () => this.#begin())
    document.addEventListener("visibilitychange", () => this.#begin())
    this.#begin()
  }

  /**
   * A page that nobody sees listens to nothing: browsers have few connections to one server, and the server has what was
   * missed.
   */
  #begin() {
    if (document.hidden) this.#hangUp()
    else this.#open()
  }

  #open() {
    this.#hangUp()
    const source = new EventSource("events")
    this.#source = source
    source.addEventListener("open", () => void this.#catchUp(source))
    source.addEventListener("point", ({ data }) => {
      if (source !== this.#source) return
      this.#watch()
      this.#listener.onPoint(JSON.parse(data))
    })
    source.addEventListener("error", () => this.#lose(source))
    this.#watch()
  }

  /**
   * What was before is read once the stream stands, so that no second is missing between the two.
   *
   * @param {EventSource} source
   */
  async #catchUp(source) {
    try {
      // What is there is what this server sends (`HistoryPoint`), and nobody else can be at this address.
      const points = /** @type {Array<HistoryPoint>} */ (await read("history"))
      if (source !== this.#source) return
      this.#failures = 0
      this.#listener.onHistory(points)
      this.#listener.onState("open")
    } catch {
      this.#lose(source)
    }
  }

  /** A connection can be lost without the browser being told. */
  #watch() {
    clearTimeout(this.#timer)
    const source = this.#source
    this.#timer = setTimeout(() => this.#lose(source), patience)
  }

  /** @param {EventSource | undefined} source */
  #lose(source) {
    if (source !== this.#source) return
    this.#hangUp()
    this.#listener.onState("lost")
    // Pages that have lost their server together should not all come back in the same moment.
    const pause = Math.min(shortestPause * 2 ** this.#failures++, longestPause) * (0.5 + Math.random() / 2)
    this.#timer = setTimeout(() => this.#open(), pause)
  }

  #hangUp() {
    clearTimeout(this.#timer)
    this.#source?.close()
    this.#source = undefined
  }
}
