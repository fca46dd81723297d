/** Which code serves, and what is wrong with newer code that cannot, as browsers are told of it. */
import { createHash } from "node:crypto"
import type { ReloadProblem, ReloadProgress } from "../process/ReloadState.ts"
import * as ErrorReport from "./ErrorReport.ts"

/** What a page was made from, and what there is now. */
export interface CodeVersion {
  /** Of the code that serves: later code has a higher number, also after a start of the whole server. */
  readonly generation: number
  /** Tells what is wrong with newer code from other things that could be; empty while nothing is. */
  readonly problem: string
}

/** The code of a server over time; one that nobody replaces while the server runs is as it was at its start. */
export class NewestCode {
  readonly #progress: ReloadProgress | undefined
  /** Known before this code was loaded, and so about code before it. */
  readonly #before: ReloadProblem | undefined
  readonly #startedAt = Date.now()
  #told: ReloadProblem | undefined = undefined
  #report: ErrorReport.ErrorReport | undefined = undefined
  #name = ""

  constructor(progress?: ReloadProgress | undefined) {
    this.#progress = progress
    this.#before = progress?.state.problem
  }

  /** What is wrong with code that is newer than that which serves. */
  get problem(): ErrorReport.ErrorReport | undefined {
    const problem = this.#progress?.state.problem
    if (problem === undefined || problem === this.#before) return undefined
    if (problem !== this.#told) {
      this.#told = problem
      this.#report = ErrorReport.ofProblem(problem)
      this.#name = createHash("sha256").update(JSON.stringify(problem)).digest("base64url").slice(0, 12)
    }
    return this.#report
  }

  get version(): CodeVersion {
    const isBroken = this.problem !== undefined
    return { generation: this.#progress?.state.generation ?? this.#startedAt, problem: isBroken ? this.#name : "" }
  }

  /** Has a function called after each change, until the function that is given back is called. */
  onChange(listener: () => void): () => void {
    return this.#progress?.subscribe(listener) ?? (() => {})
  }
}
