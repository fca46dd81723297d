/** Asks for a reload when files have changed that workers have loaded, or that somebody has named. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import { FileWatcher } from "./FileWatcher.ts"
import * as FileVersion from "./FileVersion.ts"
import * as IncludedFiles from "./IncludedFiles.ts"
import { quiet } from "./Quiet.ts"

/** How often files are looked at where the system tells nothing of them, as on network drives. */
const lookInterval = Duration.seconds(1)

/** How long, in milliseconds, a file may be empty or gone that is being written; then that is what it is meant to be. */
const patience = 300

export interface Reloader {
  /** Watches these files too, of which a worker has loaded these versions. */
  readonly loaded: (files: Readonly<Record<string, string>>) => void
}

/** What is watched: each file with the version that the newest worker has, as far as is known. */
class Versions {
  readonly #known = new Map<string, string>()
  readonly #include: ReadonlyArray<string>

  constructor(include: ReadonlyArray<string>) {
    this.#include = include
    this.#addIncluded(false)
  }

  get files(): Iterable<string> {
    return this.#known.keys()
  }

  loaded(files: Readonly<Record<string, string>>): void {
    for (const [file, version] of Object.entries(files)) this.#known.set(file, version)
  }

  /** Files that are named; those that were not there before have changed. */
  #addIncluded(isChange: boolean): void {
    for (const file of IncludedFiles.find(this.#include)) {
      if (!this.#known.has(file)) this.#known.set(file, isChange ? FileVersion.missing : FileVersion.of(file))
    }
  }

  changed(): ReadonlyArray<string> {
    this.#addIncluded(true)
    return [...this.#known].flatMap(([file, version]) => (FileVersion.of(file) === version ? [] : [file]))
  }

  /** They are taken up as they are now. */
  accept(files: ReadonlyArray<string>): void {
    for (const file of files) this.#known.set(file, FileVersion.of(file))
  }
}

/**
 * Begins to watch, for as long as the scope is open.
 *
 * @param include paths and globs of further files
 * @param reload is called with the files that have changed
 */
export const make = (
  include: ReadonlyArray<string>,
  reload: (changed: ReadonlyArray<string>) => Effect.Effect<void>
): Effect.Effect<Reloader, never, Scope.Scope> =>
  Effect.gen(function* () {
    const touched = Latch.makeUnsafe(false)
    const versions = new Versions(include)
    const watcher = yield* Effect.acquireRelease(
      Effect.sync(() => new FileWatcher(() => touched.openUnsafe())),
      (watcher) => Effect.sync(() => watcher.close())
    )
    const look = Effect.sync(() => touched.openUnsafe())
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(lookInterval), look)))
    yield* Effect.forkScoped(
      Effect.forever(
        Effect.gen(function* () {
          watcher.add(versions.files)
          yield* touched.await
          yield* touched.close
          if (versions.changed().length === 0) return
          yield* settle(versions)
          const changed = versions.changed()
          versions.accept(changed)
          if (changed.length > 0) yield* reload(changed)
        })
      )
    )
    return {
      loaded: (files) => {
        versions.loaded(files)
        touched.openUnsafe()
      }
    }
  })

/** Waits until what has changed is written to its end. */
const settle = Effect.fnUntraced(function* (versions: Versions) {
  for (let waited = 0; waited < patience;) {
    const changed = versions.changed()
    const youngest = Math.min(...changed.map(FileVersion.age))
    const wait = youngest < quiet ? quiet - youngest : changed.some(FileVersion.isEmpty) ? quiet : 0
    if (wait === 0) return
    yield* Effect.sleep(wait)
    waited += wait
  }
})
