/** Tells workers how far a reload is: of which generation their code is, and what is wrong with the newest one. */
import type { ReloadProblem, ReloadState } from "@pagi/node/process/ReloadState"
import type { PoolReloads } from "@pagi/node/supervisor/PoolReloads"

interface KnownWorker {
  readonly generation: number
  readonly tell: (state: ReloadState) => void
}

/** Which worker serves which generation. Each reload begins one; workers started since then are of that. */
export class ReloadNews implements PoolReloads {
  #generation: number
  #problem: ReloadProblem | undefined = undefined
  readonly #workers = new Map<number, KnownWorker>()
  readonly onFiles: PoolReloads["onFiles"]

  /**
   * @param onFiles is told which files workers have loaded
   * @param first the first generation
   */
  constructor(onFiles: PoolReloads["onFiles"] = () => {}, first = 1) {
    this.onFiles = onFiles
    this.#generation = first
  }

  /** A reload begins. */
  begin(): void {
    this.#generation++
  }

  onSpawn(id: number, tell: (state: ReloadState) => void): void {
    const worker = { generation: this.#generation, tell }
    this.#workers.set(id, worker)
    this.#tell(worker)
  }

  onBroken(id: number, problem: ReloadProblem): void {
    if (!this.#isNewest(id)) return
    this.#problem = problem
    this.#tellAll()
  }

  onReady(id: number): void {
    if (this.#problem === undefined || !this.#isNewest(id)) return
    this.#problem = undefined
    this.#tellAll()
  }

  onExit(id: number): void {
    this.#workers.delete(id)
  }

  /** Whether a worker has what is there now; what one says of a version before that is of no interest any more. */
  #isNewest(id: number): boolean {
    return this.#workers.get(id)?.generation === this.#generation
  }

  #tellAll(): void {
    for (const worker of this.#workers.values()) this.#tell(worker)
  }

  #tell({ generation, tell }: KnownWorker): void {
    tell({ generation, ...(this.#problem === undefined ? {} : { problem: this.#problem }) })
  }
}
