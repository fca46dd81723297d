/** How many file descriptors the process has open. */
import { readdirSync, statSync } from "node:fs"

/** Has an entry for each, on Linux. */
const folder = "/proc/self/fd"

/** The size of the folder, which newer kernels tell and others have as 0; nothing where there is no such folder. */
const sizeOfFolder = (): number | undefined => {
  try {
    return statSync(folder).size
  } catch {
    return undefined
  }
}

/** The one that reading the folder takes is not counted. */
const countEntries = (): number => {
  try {
    return readdirSync(folder).length - 1
  } catch {
    return 0
  }
}

/** Counts them when somebody asks; those of an older kernel once in a while, as a busy server has very many to list. */
export class OpenDescriptors {
  /** Whether the system tells. */
  readonly isKnown = sizeOfFolder() !== undefined
  #listed: number | undefined = undefined

  get count(): number {
    const size = sizeOfFolder() ?? 0
    return size > 0 ? size : (this.#listed ??= countEntries())
  }

  /** They are to be listed anew when somebody asks. */
  forget(): void {
    this.#listed = undefined
  }
}
