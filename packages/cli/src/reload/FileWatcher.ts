/** Says when one of a number of files may have changed: by the system, and by a look now and then where that is silent. */
import { type FSWatcher, statSync, watch } from "node:fs"
import { dirname } from "node:path"

interface Watched {
  readonly watcher: FSWatcher
  /** Tells the folder from another one that took its place. */
  readonly inode: number
}

const inodeOf = (folder: string): number | undefined => {
  try {
    return statSync(folder).ino
  } catch {
    return undefined
  }
}

/** Watches the folders of files, since editors put new files in the place of old ones. */
export class FileWatcher {
  readonly #folders = new Map<string, Watched>()
  readonly #onTouch: () => void

  /** @param onTouch is called when something has happened in one of the folders */
  constructor(onTouch: () => void) {
    this.#onTouch = onTouch
  }

  /** Watches the folders of these files too, anew where a folder was replaced. */
  add(files: Iterable<string>): void {
    for (const folder of new Set([...files].map((file) => dirname(file)))) this.#addFolder(folder)
  }

  #addFolder(folder: string): void {
    const inode = inodeOf(folder)
    const known = this.#folders.get(folder)
    if (known !== undefined && known.inode === inode) return
    known?.watcher.close()
    this.#folders.delete(folder)
    if (inode === undefined) return
    try {
      const watcher = watch(folder, { persistent: false }, this.#onTouch)
      watcher.on("error", () => {
        watcher.close()
        this.#folders.delete(folder)
      })
      this.#folders.set(folder, { watcher, inode })
    } catch {
      // The system has no watches left, or the file system has none: whoever looks now and then sees the change later.
    }
  }

  close(): void {
    for (const { watcher } of this.#folders.values()) watcher.close()
    this.#folders.clear()
  }
}
