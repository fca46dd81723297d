/** How far a server is whose application is loaded anew while somebody types: what its processes tell each other of that. */
import { isNumber, isObject, isString } from "effect/Predicate"
import * as Context from "effect/Context"

/** A place in a file, with what is written around it. */
export interface SourcePlace {
  /** The absolute path. */
  readonly file: string
  /** From 1 on. */
  readonly line: number
  /** From 1 on, where it is known. */
  readonly column?: number
  /** The lines around, the one that is meant among them. */
  readonly around: ReadonlyArray<string>
  /** The number of the first of these lines. */
  readonly firstLine: number
}

/** Why the newest version of an application is not served. */
export interface ReloadProblem {
  /** One line, as the log has it. */
  readonly message: string
  /** The stack of what was thrown, if something was. */
  readonly stack?: string
  /** Where in the application it is, as far as that is known. */
  readonly place?: SourcePlace
}

/** What a worker knows. */
export interface ReloadState {
  /** Of the code that the worker serves: that of a worker which was started after a later edit is greater. */
  readonly generation: number
  /** What is wrong with the newest version, until the next one that can be served. */
  readonly problem?: ReloadProblem
}

/** What was sent by another process; nothing when it is no such state. */
export const fromMessage = (message: unknown): ReloadState | undefined => {
  if (!isObject(message)) return undefined
  const { generation, problem }: Unread = { ...message }
  if (!isNumber(generation)) return undefined
  const read = problemFrom(problem)
  return { generation, ...(read === undefined ? {} : { problem: read }) }
}

/** The same for a problem alone. */
export const problemFrom = (message: unknown): ReloadProblem | undefined => {
  if (!isObject(message)) return undefined
  const { message: text, place, stack }: Unread = { ...message }
  if (!isString(text)) return undefined
  const read = placeFrom(place)
  return { message: text, ...(isString(stack) ? { stack } : {}), ...(read === undefined ? {} : { place: read }) }
}

type Unread = Readonly<Record<string, unknown>>

const placeFrom = (message: unknown): SourcePlace | undefined => {
  if (!isObject(message)) return undefined
  const { around, column, file, firstLine, line }: Unread = { ...message }
  if (!isString(file) || !isNumber(line) || !isNumber(firstLine) || !Array.isArray(around)) return undefined
  return { file, line, firstLine, around: around.filter(isString), ...(isNumber(column) ? { column } : {}) }
}

/** The state as it changes. */
export class ReloadProgress {
  #state: ReloadState
  readonly #listeners = new Set<(state: ReloadState) => void>()

  constructor(state: ReloadState) {
    this.#state = state
  }

  get state(): ReloadState {
    return this.#state
  }

  /** Has this called at each change, until what is returned is called. */
  subscribe(listener: (state: ReloadState) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  change(state: ReloadState): void {
    this.#state = state
    for (const listener of this.#listeners) listener(state)
  }
}

/** How far the reload is, for the server of a worker; nothing in any other, and nothing changes without `reload`. */
export const Reload = Context.Reference<ReloadProgress | undefined>("@pagi/node/Reload", {
  defaultValue: () => undefined
})
